"""Invented names of people, companies, carriers and plans. None refers to a real person or company."""


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN_NAMES = _split("""
    Abena Adriana Aiko Alejandro Amara Amir Ana Anders Anika Antonio Asha Ayana Beatriz Björn Bruno Camila Carlos Chen
    Chidi Chloé Clara Dalia Daniel Darius Deepa Diego Dmitri Dolores Elena Elif Emeka Esther Eun-ji Fatima Felix Fiona
    Gabriel Giulia Grace Hana Hassan Hiroshi Ibrahim Imani Inés Ingrid Isaac Ivan Jamal Jasmine Javier Jia Jonas José
    Joy Julia Kai Karim Keiko Kofi Kwame Laila Lars Leila Liam Lin Linh Lucía Luis Malik Marcus María Maya Mei Miguel
    Mina Mohammed Nadia Naomi Ngozi Nia Nikhil Noah Nora Olga Omar Owen Paloma Pavel Priya Quinn Rachel Rafael Rahul
    Renée Ren Rosa Ruth Samir Sana Santiago Sara Sean Selam Sofía Sunil Tariq Teresa Thandi Theo Tomás Uma Valeria
    Victor Wei Willa Xavier Yara Yuki Yusuf Zainab Zoë
""")

FAMILY_NAMES = _split("""
    Abara Adeyemi Agarwal Aguilar Ahmed Alcott Almeida Anand Arroyo Asante Ashdown Baptiste Barlow Batista Becker Bello
    Benítez Bergström Bhatt Boateng Brandt Bui Calloway Campos Castellano Chaudhry Chen Cho Conti Cordero Dang Delacroix
    Desai Diallo Dimitrov Dogan Duarte Eastman Eriksen Escobar Fairweather Farouk Fonseca Fujita Galloway Garza Ghosh
    Greenleaf Guerrero Haddad Hakimi Halloran Hartwell Hassan Hayashi Herrera Hoang Holloway Huang Ibarra Imamura Iyer
    Jansen Jeong Kamara Kapoor Keita Khoury Kimura Kobayashi Kowal Kumar Lachance Larsen Le Lindqvist Liu Lozano Mahmoud
    Marchetti Mbeki Medina Mehta Mendoza Mensah Meyer Mohan Moreau Mori Müller Murray Nair Nakamura Navarro Ndiaye Ng
    Nguyen Novak Núñez Obi Ochoa Okafor Olsen Osei Ozturk Pacheco Park Patel Pham Quintero Rahman Ramos Reyes Rosenthal
    Rossi Saleh Santos Sato Sharma Silva Singh Sokolov Soto Sutherland Suzuki Takahashi Tanaka Tesfaye Thorne Toledo
    Tran Underhill Vance Varga Vega Wang Weiss Whitlock Winslow Wu Xiong Yamada Yang Yilmaz Zamora Zhou Ziegler
""")

_PLACE_NAMES = _split("""
    Alderwick Amberfold Ashgrove Birchmere Brackenholt Brindlewood Cedarfall Cinderhill Copperbend Cragmoor Dunmarrow
    Elmstead Fallowmere Fernhollow Foxbarrow Glenharrow Goldenrush Hawkswell Hazelbrook Heronsgate Juniper-Vale
    Kestrelton Larkmoor Lindenfield Maplecross Marrowby Mossbridge Nettlecombe Oakenshaw Otterbourne-Hill Pinewhistle
    Quarrymead Quillhaven Ravensmoor Rookhollow Saltmarrow Silverfen Sorrelton Stonewick Tanglewood-Bay Thistledown
    Umberfield Violet-Ridge Wexcombe Whinmoor Willowmarch Wrenfield Yarrowgate
""")
_INDUSTRIES = (
    "Analytics",
    "Architects",
    "Bakeries",
    "Brewing",
    "Builders",
    "Cartography",
    "Ceramics",
    "Dairy",
    "Dental Studio",
    "Design",
    "Electric",
    "Farms",
    "Foods",
    "Freight",
    "Instruments",
    "Joinery",
    "Landscaping",
    "Logistics",
    "Machine Works",
    "Marine",
    "Media",
    "Orchards",
    "Optics",
    "Outfitters",
    "Paper",
    "Pharmacy",
    "Plumbing",
    "Press",
    "Robotics",
    "Schools",
    "Software",
    "Textiles",
    "Tools",
    "Veterinary",
)
_LEGAL_FORMS = ("Inc.", "LLC", "Co.", "Group", "Partners", "& Daughters", "Cooperative")

#: Carrier names, each with the prefix of its plan codes.
CARRIERS = {
    "Bluefinch Health": "BF",
    "Copperleaf Mutual": "CL",
    "Driftwater Assurance": "DA",
    "Everbough Insurance": "EB",
    "Fernwhistle Care": "FW",
    "Greyheron Health Plans": "GH",
    "Harrowgate Benefit": "HG",
    "Moonquarry Life": "MQ",
    "Paperbirch Health": "PB",
    "Stillharbor Mutual": "SH",
}

PLAN_NAMES = ("Trailhead", "Meridian", "Summit", "Horizon", "Compass", "Keystone")


# A prime, so that multiples of it, modulo the number of names, visit every name before one repeats.
_STRIDE = 7919


def company_name(number: int) -> str:
    """Return a company name. Consecutive numbers give unrelated names, and thousands of numbers give distinct ones."""
    number, place = divmod(number * _STRIDE, len(_PLACE_NAMES))
    number, industry = divmod(number, len(_INDUSTRIES))
    legal_form = _LEGAL_FORMS[number % len(_LEGAL_FORMS)]
    return f"{_PLACE_NAMES[place].replace('-', ' ')} {_INDUSTRIES[industry]} {legal_form}"
