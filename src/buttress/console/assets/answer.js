// An answer as elements: a small part of Markdown, and markers that can be pressed. Nothing of it is ever
// parsed as HTML; links, images and tags stay the text they are.

const MARKER = /\[\s?\d{1,3}(?:\s?[-–,;]\s?\d{1,3})*\s?\](?!\()/;
const ONLY_MARKERS = new RegExp(`^(?:\\s*${MARKER.source})+\\s*$`);
const RANGE = /(\d+)\s?[-–]\s?(\d+)/g;
const MAX_RANGE = 20;
const MAX_DEPTH = 4;

/** What may stand within a line: code, then strong, then emphasis. Bounded, so that no text makes it slow. */
const INLINE = new RegExp([
  "(?<code>`[^`\\n]{1,400}`)",
  "(?<strong>\\*\\*(?=\\S)[^\\n]{1,600}?(?<=\\S)\\*\\*(?!\\*)|(?<!\\w)__(?=\\S)[^\\n]{1,600}?(?<=\\S)__(?!\\w))",
  "(?<em>(?<![\\w*])\\*(?=[^\\s*])[^\\n*]{1,600}(?<=[^\\s*])\\*(?![\\w*])|(?<!\\w)_(?=[^\\s_])[^\\n_]{1,600}(?<=[^\\s_])_(?!\\w))",
  `(?<marker>${MARKER.source})`,
].join("|"), "g");

const HEADING = /^\s{0,3}#{1,6}\s+(?=\S)/;
const QUOTE = /^\s{0,3}>\s?/;
const ITEM = /^(\s*)(?:[-*+•]|(\d{1,3})[.)])\s+(?=\S)/;
const FENCE = /^\s*(?:```+|~~~+)/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const ROW = /^\s*\|.*\|/;
const DASHES = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** Make an element; children are elements or strings, and strings stay text. */
export function el(tag, props = {}, ...children) {
  const made = Object.assign(document.createElement(tag), props);
  made.append(...children);
  return made;
}

/** Return the numbers that a marker like `[1]`, `[1, 4]` or `[1-3]` names. */
function numbersOf(marker) {
  const spread = marker.replaceAll(RANGE, (_, first, last) => {
    const count = last - first;
    const isRange = count >= 0 && count <= MAX_RANGE;
    return isRange ? Array.from({ length: count + 1 }, (_, at) => Number(first) + at).join(",") : `${first},${last}`;
  });
  return [...new Set((spread.match(/\d+/g) ?? []).map(Number))];
}

/** Return a piece of an answer as it is read out: without markers and signs. */
export function spokenOf(text) {
  return text.replaceAll(new RegExp(`\\s*${MARKER.source}`, "g"), "").replaceAll(/\*\*|__|`+|^\s*[#>]+\s/gm, "")
    .replaceAll(/^[\s|:-]+$/gm, "").replaceAll("|", " ").trim();
}

/**
 * Return the blocks of an answer that is given in pieces, `{ text, citations }` each.
 *
 * `cite` makes the button of a citation. Pieces from number `shown` on are new to the reader.
 */
export function blocksOf(pieces, shown, cite) {
  const text = pieces.map((piece) => piece.text).join("");
  const ends = [];
  for (const piece of pieces) ends.push((ends.at(-1) ?? 0) + piece.text.length);
  const answer = { text, pieces, ends, shown, cite };
  const blocks = [];
  let open = { kind: "" };
  for (const line of linesOf(text)) open = take(answer, line, open, blocks);
  return blocks;
}

function linesOf(text) {
  let from = 0;
  return text.split("\n").map((line) => {
    const found = { line, from, to: from + line.length };
    from = found.to + 1;
    return found;
  });
}

/** Take one line; return the block that the next one may go on with. */
function take(answer, { line, from, to }, open, blocks) {
  if (open.kind === "code") return inCode(answer, { line, from, to }, open, blocks);
  if (!line.trim()) return { kind: "" };
  const behind = (pattern) => from + pattern.exec(line)[0].length;
  const begin = (kind, element, shell = element) => {
    blocks.push(shell);
    return { kind, element };
  };
  const goOn = (kind, make) => (open.kind === kind ? open : begin(kind, make()));
  if (FENCE.test(line)) {
    const code = el("code");
    return begin("code", code, el("pre", { dir: "ltr" }, code));
  }
  if (ROW.test(line) || (open.kind === "table" && DASHES.test(line))) return row(answer, { line, from }, open, begin);
  if (RULE.test(line)) return begin("", el("hr"));
  if (HEADING.test(line)) return begin("", el("p", { className: "heading", dir: "auto" }, ...inline(answer, behind(HEADING), to)));
  if (QUOTE.test(line)) {
    const quote = goOn("quote", () => el("blockquote"));
    quote.element.append(el("p", { dir: "auto" }, ...inline(answer, behind(QUOTE), to)));
    return quote;
  }
  const item = ITEM.exec(line);
  if (item) {
    const [, indent, number] = item;
    const kind = number ? "ol" : "ul";
    const list = goOn(kind, () => el(kind));
    const made = el("li", { dir: "auto" }, ...inline(answer, behind(ITEM), to));
    if (number) made.value = Number(number);
    made.style.marginInlineStart = `${Math.min(4, Math.floor(indent.length / 2)) * 1.2}em`;
    list.element.append(made);
    return list;
  }
  if (open.kind === "ul" || open.kind === "ol") {
    open.element.lastChild.append(el("br"), ...inline(answer, from, to));
    return open;
  }
  if (open.kind === "p") open.element.append(el("br"));
  const paragraph = goOn("p", () => el("p", { dir: "auto" }));
  paragraph.element.append(...inline(answer, from, to));
  return paragraph;
}

function inCode(answer, { line, from, to }, open, blocks) {
  const fence = FENCE.exec(line);
  if (!fence) {
    if (open.element.childNodes.length) open.element.append("\n");
    open.element.append(...plain(answer, from, to));
    return open;
  }
  const rest = from + fence[0].length;
  if (answer.text.slice(rest, to).trim()) blocks.push(el("p", {}, ...plain(answer, rest, to)));
  return { kind: "" };
}

/** Add a row to a table; a line of dashes makes the first row its head. */
function row(answer, { line, from }, open, begin) {
  let table = open;
  if (open.kind !== "table") {
    const element = el("table");
    const shell = el("div", { className: "wide", tabIndex: 0, role: "region" }, element);
    shell.setAttribute("aria-label", "A table");
    table = begin("table", element, shell);
  }
  const { element } = table;
  if (DASHES.test(line)) {
    if (element.rows.length === 1) for (const cell of [...element.rows[0].cells]) cell.replaceWith(el("th", { scope: "col" }, ...cell.childNodes));
    return table;
  }
  element.append(el("tr", {}, ...cellsOf(line).map((parts) => el("td", { dir: "auto" },
    ...parts.flatMap(([start, end]) => inline(answer, from + start, from + end))))));
  return table;
}

/** Return where the parts of each cell of a row stand; markers behind its last bar belong to its last cell. */
function cellsOf(line) {
  const cells = [];
  let start = line.indexOf("|") + 1;
  for (let at = start; at <= line.length; at += 1) {
    if (at < line.length && (line[at] !== "|" || line[at - 1] === "\\")) continue;
    cells.push([[start, at]]);
    start = at + 1;
  }
  const last = line.slice(...cells.at(-1)[0]);
  if (cells.length > 1 && (!last.trim() || ONLY_MARKERS.test(last))) {
    const [behind] = cells.pop();
    cells.at(-1).push(behind);
  }
  return cells;
}

/** Return the nodes of what stands from `from` to `to`. */
function inline(answer, from, to, depth = 0) {
  const nodes = [];
  const text = answer.text.slice(from, to);
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(...words(answer, from + at, from + found.index));
    at = found.index + found[0].length;
    const [start, end] = [from + found.index, from + at];
    const { code, strong, em } = found.groups;
    if (code) nodes.push(el("code", {}, ...words(answer, start + 1, end - 1)));
    else if (strong && depth < MAX_DEPTH) nodes.push(el("strong", {}, ...inline(answer, start + 2, end - 2, depth + 1)));
    else if (em && depth < MAX_DEPTH) nodes.push(el("em", {}, ...inline(answer, start + 1, end - 1, depth + 1)));
    else nodes.push(...plain(answer, start, end));
  }
  return [...nodes, ...words(answer, from + at, to)];
}

/** Return text without any Markdown, its markers as buttons. */
function plain(answer, from, to) {
  const nodes = [];
  let at = from;
  for (const found of answer.text.slice(from, to).matchAll(new RegExp(MARKER.source, "g"))) {
    nodes.push(...words(answer, at, from + found.index));
    at = from + found.index + found[0].length;
    nodes.push(...cited(answer, from + found.index, at));
  }
  return [...nodes, ...words(answer, at, to)];
}

const pieceAt = (answer, at) => answer.ends.findIndex((end) => at < end);

/** Return a marker as buttons: one for each number that was cited; as it is, where none was. */
function cited(answer, from, to) {
  const { citations } = answer.pieces[pieceAt(answer, from)];
  const numbers = numbersOf(answer.text.slice(from, to));
  const buttons = numbers.map((number) => [number, citations.find((one) => one.number === number)]);
  if (!buttons.some(([, citation]) => citation)) return words(answer, from, to);
  return buttons.map(([number, citation]) => (citation ? answer.cite(citation) : `[${number}]`));
}

/** Return the text as it is, what is new to the reader apart from what is not. */
function words(answer, from, to) {
  const nodes = [];
  for (let at = from; at < to;) {
    const piece = pieceAt(answer, at);
    const end = Math.min(to, answer.ends[piece]);
    nodes.push(el("span", { className: piece >= answer.shown ? "new" : "" }, answer.text.slice(at, end)));
    at = end;
  }
  return nodes;
}
