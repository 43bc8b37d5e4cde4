// An argument or input field of a list type, in the field explorer: its items can be ticked, edited, added and removed.
import { getNamedType, getNullableType, isEnumType, isInputObjectType, isListType, Kind } from "graphql";

export function isListArgument({ type }, value) {
  return isListType(getNullableType(type)) && value.kind !== Kind.VARIABLE;
}

// Returns the node of an argument or input field with its value as a list, if its type is a list.
export function toList({ type }, node) {
  return node && isListType(getNullableType(type)) ? { ...node, value: listOf(itemsOf(node.value)) } : node;
}

export function ListArgument(props) {
  const itemType = getNullableType(props.arg.type).ofType;
  const items = itemsOf(props.argValue);
  const setItems = (changed, options) => props.setArgValue(listOf(changed), options);
  const List = isEnumType(getNamedType(itemType)) ? EnumItems : Items;
  return <List {...{ props, itemType, items, setItems }} />;
}

function EnumItems({ itemType, items, setItems }) {
  const isTicked = (name) => items.some(({ value }) => value === name);
  const toggle = (changed) => {
    const names = getNamedType(itemType).getValues().map(({ name }) => name);
    const ticked = names.filter((name) => (name === changed) !== isTicked(name));
    setItems(ticked.map((value) => ({ kind: Kind.ENUM, value })));
  };
  return (
    <span className="list-argument">
      {getNamedType(itemType)
        .getValues()
        .map(({ name, description }) => (
          <label key={name} title={description}>
            <input type="checkbox" checked={isTicked(name)} onChange={() => toggle(name)} /> {name}
          </label>
        ))}
    </span>
  );
}

function Items({ props, itemType, items, setItems }) {
  const { ItemView, createLeaf, createFields, arg, parentField, getDefaultScalarArgValue, makeDefaultArg } = props;
  const namedType = getNamedType(itemType);
  const createItem = () =>
    isInputObjectType(namedType)
      ? object(createFields(getDefaultScalarArgValue, makeDefaultArg, parentField, Object.values(namedType.getFields())))
      : getDefaultScalarArgValue(parentField, arg, namedType);
  // The explorer passes the event of a field, a variable's definition, a value, or nothing for null.
  const toValue = (change) => {
    if (change?.target) {
      return createLeaf(namedType, change.target.value);
    }
    return change?.kind === Kind.VARIABLE_DEFINITION ? change.variable : (change ?? { kind: Kind.NULL });
  };
  return (
    <span className="list-argument">
      {items.map((item, index) => (
        <ItemView
          {...props}
          key={index}
          arg={{ name: `${index + 1}`, type: itemType }}
          argValue={item}
          setArgValue={(change, options) => setItems(items.with(index, toValue(change)), options)}
          setArgFields={(fields, options) => setItems(items.with(index, object(fields)), options)}
          removeArg={(options) => setItems(items.toSpliced(index, 1), options)}
        />
      ))}
      <button type="button" onClick={() => setItems([...items, createItem()])}>
        Add an item
      </button>
    </span>
  );
}

function itemsOf(value) {
  return value.kind === Kind.LIST ? value.values : [value]; // GraphQL takes a single value for a list of one
}

function listOf(values) {
  return { kind: Kind.LIST, values };
}

function object(fields) {
  return { kind: Kind.OBJECT, fields };
}
