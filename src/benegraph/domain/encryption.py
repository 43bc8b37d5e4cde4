"""Encryption of single values, such as social security numbers, and an index of them for equality.

A value is encrypted by AES-256-GCM under a random nonce. It is bound to its place, so that a value that is copied into
another row, column or tenant does not decrypt. The stored form is the key's ID (4 bytes), the nonce (12 bytes), and the
ciphertext with its tag. Each encryption key is 32 random bytes. HKDF-SHA-256 derives two keys from it: one encrypts,
the other makes the index.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benegraph.domain.errors import BenegraphError

KEY_BYTES = 32
KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_ENCRYPTION_PURPOSE = b"benegraph encryption of values"
_INDEX_PURPOSE = b"benegraph index of values"


class DecryptionFailed(BenegraphError):
    """A stored value can't be decrypted: its key is missing, or it was changed or moved."""


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """The place of a value in the database."""

    tenant_id: str
    table: str
    column: str
    row_id: str

    @property
    def associated_data(self) -> bytes:
        return f"{self.tenant_id}|{self.table}|{self.column}|{self.row_id}".encode()


class EncryptionKey:
    """A key, which encrypts values and makes their index. Its representation shows only its ID."""

    __slots__ = ("_cipher", "_index_key", "_secret", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"an encryption key must have {KEY_BYTES} bytes")
        self._secret = secret
        self.id = hashlib.sha256(b"benegraph key ID" + secret).digest()[:KEY_ID_BYTES]
        self._cipher = AESGCM(_derive(secret, _ENCRYPTION_PURPOSE))
        self._index_key = _derive(secret, _INDEX_PURPOSE)

    def __repr__(self) -> str:
        return f"EncryptionKey({self.id.hex()})"

    def __reduce__(self) -> tuple[type["EncryptionKey"], tuple[bytes]]:
        return EncryptionKey, (self._secret,)  # worker processes get the keys of their supervisor

    def encrypt(self, text: str, place: ValuePlace) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self.id + nonce + self._cipher.encrypt(nonce, text.encode(), place.associated_data)

    def decrypt(self, stored: bytes, place: ValuePlace) -> str:
        """Return the text of a stored value. Raises InvalidTag if it was changed or belongs to another place."""
        nonce, ciphertext = stored[KEY_ID_BYTES:][:_NONCE_BYTES], stored[KEY_ID_BYTES + _NONCE_BYTES :]
        return self._cipher.decrypt(nonce, ciphertext, place.associated_data).decode()

    def index(self, text: str, tenant_id: str) -> bytes:
        """Return a keyed hash, which is equal for equal texts of one tenant."""
        return hmac.digest(self._index_key, f"{tenant_id}|{text}".encode(), "sha256")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The encryption keys of a gateway. The first encrypts; all of them decrypt, so that keys can be rotated."""

    keys: tuple[EncryptionKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError("a key ring needs a key")
        if len({key.id for key in self.keys}) != len(self.keys):
            raise ValueError("a key ring has each key once")

    @property
    def current(self) -> EncryptionKey:
        return self.keys[0]

    def encrypt(self, text: str, place: ValuePlace) -> bytes:
        return self.current.encrypt(text, place)

    def decrypt(self, stored: bytes, place: ValuePlace) -> str:
        """Return the text of a stored value. Raises DecryptionFailed."""
        for key in self.keys:
            if stored.startswith(key.id):
                try:
                    return key.decrypt(stored, place)
                except InvalidTag:
                    message = f"The value of {place.column} in {place.table} was changed or moved: {place.row_id}."
                    raise DecryptionFailed(message) from None
        raise DecryptionFailed(
            f"The encryption key {stored[:KEY_ID_BYTES].hex()} is missing, with which {place.column} of {place.row_id}"
            " is encrypted; add it to the keys after the first."
        )

    def index(self, text: str, tenant_id: str) -> bytes:
        """Return the index that is stored with a new value."""
        return self.current.index(text, tenant_id)

    def indexes(self, text: str, tenant_id: str) -> list[bytes]:
        """Return every index under which a text may be stored: that of each key."""
        return [key.index(text, tenant_id) for key in self.keys]

    def fingerprint(self, text: str) -> str:
        """Return a keyed hash that stays the same when a key is added before the others."""
        return self.keys[-1].index(text, "fingerprint").hex()


def generate_key() -> str:
    """Return a new encryption key as text."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")


def parse_keys(texts: Iterable[str]) -> KeyRing:
    """Return the key ring of keys as text. Raises ValueError, whose message holds no part of a key."""
    return KeyRing(tuple(EncryptionKey(_decode_key(text)) for text in texts))


def _decode_key(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("an encryption key must be 32 bytes in base64url") from None


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)
