// The demo page: ask, watch, check. Text of documents, users and models only ever becomes text nodes.

import { blocksOf, el, spokenOf } from "./answer.js";
import * as budget from "./budget.js";

const $ = (id) => document.getElementById(id);
const MAX_SHOWN_HELD = 20;
const LOOK_EVERY_MS = 2000;

const STEPS = {
  admit: "who asks, and what they may see", choose: "the release that answers", inspect: "the input fits",
  rules: "an answer without a model?", recall: "an earlier answer?", retrieve: "passages, inside the scope",
  compose: "the prompt, packed into the window", send: "the first model that answers",
  check: "each sentence against the passages", decide: "released, or the fallback",
};
const WHY = {
  "retrieve.nothing_relevant": "Nothing in the documents is close enough to the question.",
  "models.nothing_to_quote": "Nothing in the documents answers the question.",
  "models.empty_answer": "The model said nothing.",
  "models.stream_cut": "The model broke off in the middle of its answer.",
  "models.unavailable": "The model's connection broke.",
  "models.timeout": "The model took too long.",
  "models.no_rung_left": "No model could be reached.",
  "models.local_away": "The local model is away.",
  "models.local_missing": "The local model's file is not there.",
  "models.local_broken": "The local model's file cannot be run.",
  "models.busy": "Too many questions wait for the model.",
  "models.resting": "The model failed too often, and is left alone for a while.",
  "models.untranslatable": "The model's format has no word for what was asked.",
  "models.rate_limited": "The model's provider asks to wait.",
  "models.refused_key": "The model's provider does not accept the key.",
  "models.bad_request": "The model does not take such a request.",
  "models.bad_answer": "What the model sent is no answer.",
  "models.window_exceeded": "The question and its passages are too long for the model.",
  "models.provider_unknown": "Nothing here speaks to the model's provider.",
  "models.longtail_missing": "What speaks to the model's provider is not installed: buttress[longtail].",
  "check.withheld": "What the model said is not in the documents.",
  "check.declined": "The model says that the documents do not answer this.",
  "compose.quoted": "This feature quotes, it does not write.",
  "knowledge.engine_away": "The search is away just now.",
  "knowledge.engine_busy": "The search has too much to do just now.",
  "knowledge.engine_timeout": "The search took too long.",
  "knowledge.engine_refused": "The search does not accept this server.",
  "knowledge.engine_failed": "The search failed.",
  "knowledge.search_failed": "The search failed.",
  "knowledge.too_much_asked": "The question is too long to search for.",
  "knowledge.query_invalid": "There is no word in the question to search for.",
  "knowledge.unknown": "The documents of this feature are not there.",
  "knowledge.not_ingested": "No documents were read yet: buttress ingest.",
  "knowledge.embedder_changed": "The documents were read for another embedder: buttress ingest.",
  "knowledge.embedder_missing": "The search's embedder is not installed.",
  "knowledge.embedder_broken": "The search's embedder cannot be run.",
  "knowledge.extra_missing": "The search is not installed: buttress[knowledge].",
  "budget.exhausted": "The budget is spent, and nothing free was left to answer.",
  "budget.held": "What is left of the budget is set aside by others just now.",
  "budget.price_unknown": "Nobody knows what it would cost, and a budget allows only what is known.",
  "budget.ledger_away": "The database is away, and this process holds too little money.",
  "prompts.too_long": "The prompt does not fit the model's window.",
  "prompts.too_many_pieces": "The text is too long to be read in so few pieces.",
  "prompts.pieces_away": "What was read of the document before cannot be looked up just now.",
  "prompts.unrenderable": "The feature's prompt cannot be filled in.",
};
/** By the room of a code: for those that have no sentence of their own. */
const ROOMS = { models: "The model failed.", budget: "No budget paid for it.", knowledge: "The search failed.", storage: "The database is away." };
const HELD = {
  unsupported: "the passage it cites does not say so", uncited: "no passage says so",
  declined: "it says that there is no answer", leads_nowhere: "it leads to nothing that could be released",
  reworded: "in no passage word for word, and the model is weak",
  too_long: "it is too long to be checked",
  instruction: "only what a document says to an assistant says so",
};
const STATES = { verbatim: "word for word", supported: "supported", unsupported: "not supported" };

const form = $("form");
const question = $("question");
let run = null;
let quiet = 0;

// --- what is asked -------------------------------------------------------------------------------------

const feature = () => $("feature").selectedOptions[0];

function chooseFeature() {
  const { description, question: field, required, examples, longest } = feature().dataset;
  $("description").textContent = description;
  $("question-label").textContent = field ? "Your question" : "The input, as JSON";
  question.placeholder = field ? "Ask a question" : '{"…": "…"}';
  const skeleton = Object.fromEntries(required.split(" ").filter(Boolean).map((name) => [name, ""]));
  question.value = field ? "" : JSON.stringify(skeleton);
  question.maxLength = Number(longest);
  count();
  const list = JSON.parse(examples);
  $("examples").replaceChildren(...list.map((text) => {
    const button = el("button", { type: "button" }, text);
    button.addEventListener("click", () => askThis(text));
    return el("li", {}, button);
  }));
  $("examples").hidden = !list.length;
  for (const button of document.querySelectorAll('[data-act="harm"]')) button.hidden = !feature().dataset.harm;
}

function inputOf(text) {
  const field = feature().dataset.question;
  return field ? { [field]: text } : JSON.parse(text);
}

function askThis(text, drill = null, note = "") {
  question.value = text;
  grow();
  count();
  return ask(text, drill, note);
}

/** Say how much still fits, near the end of it. */
function count() {
  const { length } = question.value;
  const isNear = length > 0.9 * question.maxLength;
  const full = length >= question.maxLength ? ": that is all that fits" : "";
  $("count").textContent = isNear ? `${length.toLocaleString("en")} of ${question.maxLength.toLocaleString("en")} characters${full}` : "";
}

function grow() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

async function ask(text, drill = null, note = "") {
  run?.abort.abort();
  let input;
  try {
    input = inputOf(text);
  } catch {
    finish(begin(text, note));
    badge("bad", "Not asked", "");
    fail("The input is not JSON.", "Write an object, with quotes around its names.");
    return run;
  }
  const mine = begin(text, note);
  if (drill !== "spend") budget.hide();
  try {
    const response = await fetch(`/v1/features/${encodeURIComponent(feature().value)}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input, stream: true, watch: true, ...(drill ? { drill } : {}) }),
      signal: mine.abort.signal,
    });
    if (!response.ok) throw await refusal(response);
    for await (const event of eventsOf(response.body)) take(mine, event);
    if (!mine.answer && !mine.failed) throw new Error("the connection broke before the answer was whole");
  } catch (error) {
    if (run !== mine) return mine;
    if (error.name === "AbortError") stopped(mine);
    else broke(mine, error);
  }
  return mine;
}

async function refusal(response) {
  const body = await response.json().catch(() => null);
  const said = body?.error ?? { message: `the server answered ${response.status}`, hint: "", code: "" };
  return Object.assign(new Error(said.message), { hint: said.hint, code: said.code });
}

/** Yield the server-sent events of a body, parsed. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const lines = part.split("\n");
      const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (name) yield { name, data: JSON.parse(data) };
    }
  }
}

// --- a run, and what comes in --------------------------------------------------------------------------

function begin(text, note) {
  clearInterval(run?.timer);
  run = {
    abort: new AbortController(), knowledge: feature().dataset.knowledge, began: performance.now(), first: null,
    pieces: [], spans: [], held: [], answer: null, failed: false, shown: 0,
  };
  const mine = run;
  mine.timer = setInterval(() => drawSteps(mine), 120);
  $("result").hidden = false;
  $("asked").textContent = text;
  $("note").textContent = note;
  $("note").hidden = !note;
  $("found").hidden = true;
  $("failure").hidden = true;
  $("sources").hidden = true;
  $("held").hidden = true;
  for (const id of ["text", "facts", "held-list", "source-list", "doubted-list", "spoken"]) $(id).replaceChildren();
  say("");
  badge("writing", "Looking …", "");
  working(true);
  drawSteps(mine);
  show($("result"));
  if (note) announce(note);
  return mine;
}

/** Scroll to something whose beginning cannot be seen. */
function show(element) {
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > innerHeight * 0.6) element.scrollIntoView({ block: "start" });
}

function take(mine, { name, data }) {
  if (run !== mine) return;
  if (name === "text") said(mine, data.text);
  else if (name === "cited") mine.pieces.at(-1)?.citations.push(data.citation);
  else if (name === "stepped") mine.spans.push(data.span);
  else if (name === "held") held(mine, data.withheld);
  else if (name === "ended") ended(mine, data.answer);
  else if (name === "error") broke(mine, Object.assign(new Error(data.error.message), data.error));
  if (name === "text" || name === "cited") drawText(mine);
  if (name === "stepped") drawSteps(mine);
}

function said(mine, text) {
  mine.first ??= performance.now() - mine.began;
  mine.pieces.push({ text, citations: [] });
  $("spoken").append(el("p", {}, spokenOf(text)));
  badge("writing", "Writing …", "");
}

function held(mine, withheld) {
  mine.held.push(withheld);
  $("held").hidden = false;
  if (mine.held.length > MAX_SHOWN_HELD) return;
  const why = HELD[withheld.reason] ?? withheld.reason;
  $("held-list").append(el("li", {}, el("q", { dir: "auto" }, withheld.text.trim()), el("span", {}, why)));
}

function ended(mine, answer) {
  mine.answer = answer;
  finish(mine);
  const cut = answer.outcome === "fallback" && Boolean(answer.model);
  if (answer.outcome === "answered") badge("good", "Answered", supportText(answer.support));
  else badge("warn", cut ? "Cut off, and it says so" : "Honest fallback", why(answer, cut));
  drawText(mine);
  drawSources(answer, mine);
  drawFacts(mine);
  drawFound(mine);
  announce($("badge").textContent + ". " + $("why").textContent);
}

function why({ reason }, cut) {
  if (cut && reason === "check.withheld") return "What the model went on to say is not in the documents.";
  return WHY[reason] ?? ROOMS[reason.split(".")[0]] ?? `Something failed on the way (${reason}).`;
}

function supportText(support) {
  const parts = [
    [support.verbatim, "word for word"], [support.supported, "supported"],
    [support.unsupported, "not supported"], [support.uncited, "without a source"], [support.withheld, "withheld"],
  ];
  return parts.filter(([count]) => count)
    .map(([count, what], at) => `${count}${at ? "" : count === 1 ? " sentence" : " sentences"} ${what}`).join(" · ");
}

function broke(mine, error) {
  mine.failed = true;
  finish(mine);
  look();
  const away = error instanceof TypeError;
  badge("bad", mine.pieces.length ? "Broke off" : "No answer", "");
  fail(
    away ? "The server cannot be reached." : sentence(error.message),
    away ? "Is it running? buttress serve" : error.hint ?? "What stands above may not be all of it. Ask again.", error.code,
  );
}

function fail(message, hint, code) {
  working(false);
  $("failure").replaceChildren(el("b", {}, message), " ", hint, ...(code ? [el("code", {}, code)] : []));
  $("failure").hidden = false;
  announce(message);
}

function stopped(mine) {
  finish(mine);
  badge("warn", "Stopped", "You ended it; the work for it was cancelled.");
}

function finish(mine) {
  clearInterval(mine.timer);
  mine.took = performance.now() - mine.began;
  working(false);
  drawSteps(mine);
}

/** Offer to stop while it works, to ask when it does not; whoever is at that button stays there. */
function working(is) {
  const [go, stop] = [$("go"), $("stop")];
  const isThere = document.activeElement === go || document.activeElement === stop;
  $("waiting").hidden = !is;
  go.hidden = is;
  stop.hidden = !is;
  if (isThere) (is ? stop : go).focus({ preventScroll: true });
  $("result").setAttribute("aria-busy", String(is));
}

function badge(kind, text, why) {
  $("badge").className = `badge ${kind}`;
  $("badge").textContent = text;
  $("why").textContent = why;
}

const isRunning = (mine) => mine !== null && mine.took === undefined;
const announce = (text) => $("spoken").append(el("p", {}, text));
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, ".");

// --- the answer ----------------------------------------------------------------------------------------

function drawText(mine) {
  $("text").replaceChildren(...blocksOf(mine.pieces, mine.shown, (citation) => citeButton(citation, mine)));
  mine.shown = mine.pieces.length;
}

function citeButton(citation, mine) {
  const { number, state } = citation;
  const button = el("button", { type: "button", className: `cite ${state}`, title: placeOf(citation) }, String(number));
  button.setAttribute("aria-label", `Source ${number}: ${placeOf(citation)}, ${STATES[state]}`);
  button.addEventListener("click", () => openSource(citation, mine));
  return button;
}

/** Return where a citation or a passage stands, in the words of `kernel.passages.place_of`. */
function placeOf({ place, document: name, page, page_end: last, section }) {
  if (place) return place;
  const pages = page && (last && last !== page ? `pages ${page}-${last}` : `page ${page}`);
  return [name, pages, section.join(" > ")].filter(Boolean).join(", ");
}

/** List what the answer stands on; apart from it, what it points to that does not say so. */
function drawSources(answer, mine) {
  const holding = answer.citations.filter((one) => one.state !== "unsupported");
  const held = new Set(holding.map((one) => one.number));
  const doubted = answer.citations.filter((one) => !held.has(one.number));
  $("sources-title").textContent = answer.outcome === "answered" ? "Stands on" : "Quotes, word for word";
  listSources("source", holding, mine);
  listSources("doubted", doubted, mine);
  $("sources").hidden = !answer.citations.length;
}

function listSources(name, citations, mine) {
  const byNumber = new Map();
  for (const one of citations) {
    if (!byNumber.has(one.number) || one.state === "verbatim") byNumber.set(one.number, one);
  }
  $(`${name}-list`).replaceChildren(...[...byNumber.values()].map((citation) => {
    const button = el("button", { type: "button" }, el("b", {}, String(citation.number)),
      el("span", { dir: "auto" }, placeOf(citation)), el("i", { className: citation.state }, STATES[citation.state]));
    button.addEventListener("click", () => openSource(citation, mine));
    return el("li", {}, button);
  }));
  for (const one of document.querySelectorAll(`.${name}-part`)) one.hidden = !citations.length;
}

/** List what the search found: what a model was given, whether the answer uses it or not. */
function drawFound(mine) {
  const { passages } = mine.answer;
  $("found-title").textContent = passages.length === 1 ? "1 passage at hand" : `${passages.length} passages at hand`;
  $("found-list").replaceChildren(...passages.map((passage, at) => {
    const { text: quote, ...place } = passage;
    const button = el("button", { type: "button" }, el("b", {}, String(at + 1)), el("span", {}, placeOf(passage)));
    button.addEventListener("click", () => openSource({ ...place, quote, sentence: "" }, mine));
    return el("li", {}, button);
  }));
  $("found").hidden = !passages.length;
}

// --- the trace -----------------------------------------------------------------------------------------

function drawSteps(mine) {
  const elapsed = mine.took ?? performance.now() - mine.began;
  const spans = mine.spans.toSorted((a, b) => a.start_ms - b.start_ms || a.depth - b.depth);
  const end = Math.max(1, ...spans.map((one) => one.start_ms + one.duration_ms));
  const running = isRunning(mine);
  const total = running ? Math.max(end, elapsed) : end;
  const rows = spans.map((span) => stepRow(span, total));
  if (running) {
    const start = spans.length ? Math.min(end, elapsed) : 0;
    const name = spans.some((one) => one.name === "compose") ? "send" : "working";
    rows.push(stepRow({ name, start_ms: start, duration_ms: elapsed - start, depth: 0, data: {}, open: true }, total));
  }
  $("steps").replaceChildren(...rows);
}

function stepRow(span, total) {
  const bar = el("i", { className: span.open ? "open" : "" });
  bar.style.left = `${Math.min(99, (100 * span.start_ms) / total)}%`;
  bar.style.width = `${Math.max(0.8, (100 * span.duration_ms) / total)}%`;
  const name = el("b", { title: STEPS[span.name] ?? "" }, span.name);
  name.style.paddingInlineStart = `${span.depth * 0.75}em`;
  const notes = notesOf(span);
  const row = el("li", { className: span.error || span.data.reason ? "stopped" : "" },
    name, el("span", { className: "track" }, bar), el("span", { className: "ms" }, ms(span.duration_ms)));
  if (notes) row.append(el("small", {}, notes));
  return row;
}

function notesOf({ data, error }) {
  const notes = [];
  if (data.passages !== undefined) notes.push(`${data.passages} passages`);
  if (data.tokens !== undefined) notes.push(`${data.tokens.toLocaleString("en")} tokens in the prompt`);
  if (data.ladder) notes.push(data.model ? `${data.model} answered` : `ladder: ${data.ladder.join(" → ")}`);
  if (data.sentences !== undefined) notes.push(`${data.sentences} ${data.sentences === 1 ? "sentence" : "sentences"} released`);
  if (data.turns_left_out) notes.push(`${data.turns_left_out} turns left out`);
  for (const key of Object.keys(data)) if (key.endsWith("_skipped")) notes.push(`${key.slice(0, -8)} skipped: ${data[key]}`);
  if (data.reason) notes.push(data.reason);
  if (error) notes.push(error === "GeneratorExit" || error === "CancelledError" ? "stopped here" : error);
  return notes.join(" · ");
}

const ms = (value) => (value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ms`);

function drawFacts(mine) {
  const { answer } = mine;
  const { usage } = answer;
  const read = usage.input + usage.cache_read + usage.cache_write;
  const facts = [
    ["Model", answer.model ?? "none"],
    ["Went past", answer.failed.map((one) => `${one.model} (${one.code})`).join(", ")],
    ["Tokens", answer.cost_nanodollars === null && read + usage.output === 0 ? "unknown" : `${read.toLocaleString("en")} in · ${(usage.output + usage.reasoning).toLocaleString("en")} out`],
    ["Cost", answer.cost_nanodollars === null ? "unknown" : `$${(answer.cost_nanodollars / 1e9).toFixed(6)}`],
    ["First words", mine.first === null ? "none" : ms(mine.first)],
    ["Whole answer", ms(answer.duration_ms)],
    ["Trace", answer.trace_id],
    ["Release", answer.release_id],
  ];
  $("facts").replaceChildren(...facts.filter(([, value]) => value)
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

// --- a source, in its document -------------------------------------------------------------------------

async function openSource(citation, mine) {
  const ticket = ++quiet;
  $("sheet-title").textContent = citation.section.at(-1) ?? citation.document;
  $("sheet-place").textContent = placeOf(citation);
  $("sheet-link").hidden = !citation.link;
  $("sheet-link").href = citation.link ?? "";
  $("sheet-claim").textContent = citation.sentence;
  $("sheet-claim").hidden = !citation.sentence;
  $("sheet-body").replaceChildren(el("p", { className: "loading" }, "Opening the document …"));
  if (!$("sheet").open) $("sheet").showModal();
  $("sheet-title").focus();
  const query = new URLSearchParams({ knowledge: mine.knowledge, start: citation.start, end: citation.end });
  let content;
  try {
    const response = await fetch(`/api/documents/${encodeURIComponent(citation.document_id)}?${query}`);
    if (!response.ok) throw await refusal(response);
    content = documentOf(await response.json(), citation);
  } catch (error) {
    content = quoteOf(citation, mine, error);
  }
  if (ticket !== quiet) return;
  $("sheet-body").replaceChildren(...content);
  $("sheet-body").querySelector("mark")?.scrollIntoView({ block: "center" });
}

function documentOf(found, citation) {
  $("sheet-title").textContent = citation.section.at(-1) ?? found.title;
  let page = null;
  const shown = [];
  for (const block of found.blocks) {
    if (block.page && block.page !== page) shown.push(el("p", { className: "turn" }, `Page ${(page = block.page)}`));
    const tag = block.kind === "heading" ? (block.level > 2 ? "h4" : "h3") : block.kind === "table" || block.kind === "code" ? "pre" : "p";
    shown.push(el(tag, { className: block.kind, dir: tag === "pre" ? "ltr" : "auto" }, ...marked(block.parts)));
  }
  if (found.more_before) shown.unshift(el("p", { className: "more" }, "…"));
  if (found.more_after) shown.push(el("p", { className: "more" }, "…"));
  return shown;
}

const marked = (parts) => parts.map(({ text, cited }) => (cited ? el("mark", {}, text) : text));

/** What we hold without the database: the passage the model was given, else the quote alone. */
function quoteOf(citation, mine, error) {
  const passage = mine.answer?.passages.find((one) => one.document_id === citation.document_id
    && one.start <= citation.start && citation.end <= one.end);
  const text = Array.from(passage?.text ?? citation.quote);
  const from = passage ? citation.start - passage.start : 0;
  const to = passage ? citation.end - passage.start : text.length;
  const why = error instanceof TypeError ? "The server cannot be reached." : sentence(error.message);
  return [
    el("p", { className: "notice warn" }, el("b", {}, "The document cannot be opened just now. "), why,
      " Below is the passage the answer stands on, as it was found."),
    el("p", { dir: "auto" }, text.slice(0, from).join(""), el("mark", {}, text.slice(from, to).join("")), text.slice(to).join("")),
  ];
}

// --- breaking things -----------------------------------------------------------------------------------

const current = () => question.value.trim() || $("asked").textContent || JSON.parse(feature().dataset.examples)[0] || feature().dataset.beyond;

async function kill() {
  const response = await fetch("/api/drills/kill-model", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  if (!response.ok) throw await refusal(response);
  const { pid } = await response.json();
  const note = `Process ${pid} of the local model was killed. It is being started again; until then the ladder goes past it.`;
  if (!isRunning(run)) return askThis(current(), null, note);
  return tell(note);
}

function tell(note) {
  $("note").textContent = note;
  $("note").hidden = false;
  announce(note);
}

const MAX_SPENT = 20;
const BETWEEN_MS = 700;
const GIVEN_BACK_MS = 2000;
const SPEND = "A model that is free is taken for one here that costs a cent each time. The money is set aside before it is asked and paid after, in the ledger that all workers share.";
const SPENT = "The budget is spent: the model may not be asked any more. The ladder goes past it, and quotes answer, which cost nothing.";
const UNSPENT = "Nothing was spent on this answer: no model that costs anything answered.";
const pause = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

/** Ask until the budget is spent, as long as nobody asks anything else or stops it. */
async function spend() {
  const { budget: name } = document.querySelector('[data-act="spend"]').dataset;
  await budget.show(name);
  for (let asked = 0; asked < MAX_SPENT; asked += 1) {
    const mine = await askThis(feature().dataset.long || current(), "spend", SPEND);
    if (run !== mine || !mine.answer) return;
    const codes = mine.answer.failed.map((one) => one.code);
    const isHeld = codes.includes("budget.held");
    if (codes.includes("budget.exhausted")) return tell(SPENT);
    if (!isHeld && mine.answer.cost_nanodollars === 0) return tell(UNSPENT);
    await pause(isHeld ? GIVEN_BACK_MS : BETWEEN_MS);
    if (run !== mine) return;
  }
}

const SLOW = "The model of this answer says 40 characters a second. A sentence leaves as soon as it was checked.";
const CUT = "The model of this answer breaks off in the middle. What was checked stays; the rest is not made up.";
const BEYOND = "No document answers this. A model left alone would make something up.";
const HARM = "A note among the documents orders assistants to promise everybody 90 % off. The search finds it (look among the passages at hand); it is not quoted, and a model that repeats it is withheld.";

const DRILLS = {
  kill,
  slow: () => askThis(current(), "slow", SLOW),
  spend,
  cut: () => askThis(feature().dataset.long || current(), "cut", CUT),
  beyond: () => askThis(feature().dataset.beyond, null, BEYOND),
  harm: () => askThis(feature().dataset.harm, null, HARM),
};

/** Say why nothing could be broken; there is no such place where nothing may be. */
function say(text) {
  $("drill-says")?.replaceChildren(text);
}

async function press(act) {
  say("");
  try {
    await DRILLS[act]();
  } catch (error) {
    say(error instanceof TypeError ? "The server cannot be reached." : `${sentence(error.message)} ${error.hint ?? ""}`);
  }
}

// --- how the server is ---------------------------------------------------------------------------------

async function look() {
  let state = "bad";
  let text = "Not reached";
  try {
    const found = await (await fetch("/readyz")).json();
    const waiting = Object.keys(found.waiting_for);
    state = waiting.length ? "warn" : "good";
    text = waiting.length ? `Waiting for ${waiting.join(", ")}` : "Ready";
  } catch { /* said as it is */ }
  if ($("ready-text").textContent !== text) $("ready-text").textContent = text;
  $("ready").className = `ready ${state}`;
}

look();
setInterval(() => document.hidden || look(), LOOK_EVERY_MS);
$("sheet-close").addEventListener("click", () => $("sheet").close());
$("sheet").addEventListener("click", (event) => event.target === $("sheet") && $("sheet").close());
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => press(button.dataset.act));

if (form) {
  chooseFeature();
  $("feature").addEventListener("change", chooseFeature);
  question.addEventListener("input", grow);
  question.addEventListener("input", count);
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = question.value.trim();
    if (text) ask(text, null);
  });
  $("stop").addEventListener("click", () => run?.abort.abort());
}
