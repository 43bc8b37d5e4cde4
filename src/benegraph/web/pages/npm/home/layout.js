// The layout of the picture: a box for each type near the root, in columns by distance from the root.
import { Graph, layout } from "@dagrejs/dagre";

import { findTarget } from "./schema.js";

const MAX_DISTANCE = 3;
const WIDTH = 206;
const TITLE_HEIGHT = 32;
const ROW_HEIGHT = 18;
const PADDING = 6; // below the rows of a box
const COLUMN_GAP = 64;
const BOX_GAP = 12;
const MARGIN = 6; // around the picture, for the outline of a selected box

// Returns the boxes, the lines and the size of the picture, in pixels. A box has a row for each field that leads to
// another type. Only lines to the next column are drawn; rows of the other fields name their type instead.
export function layOut(types, rootName) {
  const boxes = findBoxes(types, rootName);
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", align: "DL", nodesep: BOX_GAP, ranksep: COLUMN_GAP, marginx: MARGIN, marginy: MARGIN });
  for (const box of boxes.values()) {
    graph.setNode(box.name, { width: WIDTH, height: box.height });
  }
  for (const box of boxes.values()) {
    for (const { target } of box.rows.filter(({ isForward }) => isForward)) {
      graph.setEdge(box.name, target, {});
    }
  }
  layout(graph);
  for (const box of boxes.values()) {
    const { x, y } = graph.node(box.name);
    Object.assign(box, { x: Math.round(x - WIDTH / 2), y: Math.round(y - box.height / 2), width: WIDTH });
  }
  const lines = [...boxes.values()].flatMap((box) => connectRows(box, boxes));
  const { width, height } = graph.graph();
  return { boxes: [...boxes.values()], lines, width, height };
}

// Returns the boxes by name: breadth first, so that each is found at its shortest distance from the root.
function findBoxes(types, rootName) {
  const boxes = new Map([[rootName, { name: rootName, column: 0 }]]);
  for (const box of boxes.values()) {
    box.rows = types.get(box.name).fields.flatMap((field) => {
      const target = findTarget(types, field);
      if (!target) {
        return [];
      }
      if (!boxes.has(target.name) && box.column < MAX_DISTANCE) {
        boxes.set(target.name, { name: target.name, column: box.column + 1 });
      }
      const isForward = boxes.get(target.name)?.column > box.column;
      return [{ field: field.name, target: target.name, isList: target.isList, isForward }];
    });
    box.height = TITLE_HEIGHT + (box.rows.length ? box.rows.length * ROW_HEIGHT + PADDING : 0);
  }
  return boxes;
}

// Sorts a box's rows by the position of their types, so that its lines do not cross, and returns the lines.
function connectRows(box, boxes) {
  const order = ({ target, isForward }) => (isForward ? boxes.get(target).y : Infinity);
  box.rows.sort((one, other) => other.isForward - one.isForward || order(one) - order(other) || 0);
  return box.rows.flatMap(({ field, target, isForward }, index) => {
    if (!isForward) {
      return [];
    }
    const { x: endX, y } = boxes.get(target);
    const startX = box.x + box.width;
    const startY = box.y + TITLE_HEIGHT + (index + 0.5) * ROW_HEIGHT;
    const endY = y + TITLE_HEIGHT / 2;
    const bend = (endX - startX) / 2;
    const path = `M${startX} ${startY}c${bend} 0 ${bend} ${endY - startY} ${endX - startX} ${endY - startY}`;
    return [{ from: box.name, to: target, field, path }];
  });
}
