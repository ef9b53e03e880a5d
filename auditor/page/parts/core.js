// Data of the page and small helpers. Texts of the declaration reach the page as text nodes, never as markup.
const $ = (id) => document.getElementById(id);
const NS = 'http://www.w3.org/2000/svg';

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') node.textContent = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const bdi = (text) => el('bdi', { text });
const button = (text, onclick, attributes = {}) => el('button', { type: 'button', onclick, ...attributes }, bdi(text));
const number = (n) => n.toLocaleString('en-US');
const fill = (text, values) => text.replace(/\{(\w+)(:,)?\}/g, (all, name) => (name in values ? String(values[name]) : all));

async function read() {
  const source = $('data');
  if (source.dataset.packed !== 'deflate') return JSON.parse(source.textContent);
  const text = atob(source.textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}

let D, W; // data and words, read once
const FAIL = 0, INCONCLUSIVE = 3, PASS = 4, NOT_APPLICABLE = 5, NOT_JUDGED = 7;
const DEGREE = 1e5;
const SUBJECT = 1, FACILITY = 2, MAYBE_FACILITY = 4, GATE = 8, MAYBE_GATE = 16, ROOT = 32, MAYBE_ROOT = 64, IDLE = 128;

// The four looks of a verdict; each has a shape of its own besides its colour.
const LOOKS = ['fail', 'open', 'pass', 'none'];
const lookOf = (verdict) => (verdict === FAIL ? 0 : verdict < PASS ? 1 : verdict === PASS ? 2 : 3);

const N = {}; // nodes as typed arrays
const F = {}; // findings
const P = {}; // paths

// Columns of which all values are the same come as that one value.
const NODE_COLUMNS = ['kind', 'owner', 'service', 'region', 'site', 'lon', 'lat', 'radius', 'unsure', 'relation', 'area', 'basis', 'conflict', 'inherited', 'role', 'judged'];
const FINDING_COLUMNS = ['group', 'message', 'ask', 'facts', 'path', 'subject', 'metres'];
function widen(table, names, count) {
  for (const name of names) if (!Array.isArray(table[name])) table[name] = new Array(count).fill(table[name]);
}

function prepare(data) {
  D = data;
  W = data.words;
  const { nodes, findings, groups, paths, links } = data;
  N.count = nodes.id.length;
  F.count = findings.anchor.length / 12;
  widen(nodes, NODE_COLUMNS, N.count);
  widen(findings, FINDING_COLUMNS, F.count);
  N.lon = new Float64Array(N.count);
  N.lat = new Float64Array(N.count);
  N.x = new Float64Array(N.count); // web mercator, 0 to 1
  N.y = new Float64Array(N.count);
  N.placed = 0;
  for (let i = 0; i < N.count; i++) {
    if (nodes.lon[i] == null) { N.lon[i] = N.lat[i] = N.x[i] = N.y[i] = NaN; continue; }
    N.placed++;
    N.lon[i] = nodes.lon[i] / DEGREE;
    N.lat[i] = nodes.lat[i] / DEGREE;
    N.x[i] = N.lon[i] / 360 + 0.5;
    const s = Math.sin(Math.max(-85, Math.min(85, N.lat[i])) * Math.PI / 180);
    N.y[i] = 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
  }
  N.worst = Uint8Array.from(nodes.combinations, (c) => c.reduce((worst, [, v]) => Math.min(worst, v), NOT_JUDGED));
  N.verdict = Uint8Array.from(nodes.judged, (code) => N.worst[code]);
  N.shown = new Uint8Array(N.count).fill(1);

  F.group = Int32Array.from(findings.group);
  F.shown = new Uint8Array(F.count).fill(1);
  F.open = 0;
  for (const g of groups) if (!g.settled || data.everything) F.open += g.end - g.start;
  F.ofNode = new Map();
  findings.subject.forEach((node, i) => {
    if (node >= 0) F.ofNode.has(node) ? F.ofNode.get(node).push(i) : F.ofNode.set(node, [i]);
  });
  P.node = Int32Array.from(paths.node);
  P.after = Int32Array.from(paths.after);
  links.tail = Int32Array.from(links.tail);
  links.head = Int32Array.from(links.head);
  N.ofId = null;
}

// Nodes from the subject on; -1 for a far end that nobody declared.
function pathOf(finding) {
  const path = [];
  for (let at = D.findings.path[finding]; at >= 0; at = P.after[at]) path.push(P.node[at]);
  return path;
}
const groupOf = (finding) => D.groups[F.group[finding]];
const verdictOf = (finding) => groupOf(finding).verdict;
const anchorOf = (finding) => D.findings.anchor.slice(finding * 12, finding * 12 + 12);
const text = (index) => (index < 0 ? '' : D.texts[index]);
const subjectOf = (finding) => {
  const at = D.findings.subject[finding];
  return at >= 0 ? D.nodes.id[at] : D.findings.others[-1 - at];
};
const nodeName = (node) => (node < 0 ? W.blank_end : D.nodes.id[node]);
const ownerOf = (node) => (D.nodes.owner[node] < 0 ? '' : D.nodes.owners[D.nodes.owner[node]]);
const kindOf = (node) => (D.nodes.kind[node] < 0 ? '' : D.nodes.kinds[D.nodes.kind[node]]);
const aboutNode = (node) => [D.nodes.name[node] || '', kindOf(node), ownerOf(node)].filter(Boolean);
const hasPlace = (node) => node >= 0 && !Number.isNaN(N.x[node]);

let neighboursOf = (node) => { // built on first use: who is linked to whom
  const { tail, head } = D.links;
  const start = new Int32Array(N.count + 1);
  for (let i = 0; i < tail.length; i++) { start[tail[i] + 1]++; start[head[i] + 1]++; }
  for (let i = 0; i < N.count; i++) start[i + 1] += start[i];
  const at = start.slice(), to = new Int32Array(2 * tail.length);
  for (let i = 0; i < tail.length; i++) { to[at[tail[i]]++] = head[i]; to[at[head[i]]++] = tail[i]; }
  neighboursOf = (one) => (one < 0 ? [] : [...new Set(to.subarray(start[one], start[one + 1]))]);
  return neighboursOf(node);
};

// What is chosen, and who wants to know.
const chosen = { finding: -1, node: -1, path: [], nodes: [], named: [] };
const listeners = [];
const onChoice = (listener) => listeners.push(listener);

function choose(next, from) {
  const path = next.finding >= 0 ? pathOf(next.finding) : [];
  const named = D.findings.nodes[next.finding] || [];
  Object.assign(chosen, { finding: -1, node: -1, nodes: [], ...next, path, named });
  for (const listener of listeners) listener(from);
}

function chooseFinding(finding, from) {
  choose({ finding, node: D.findings.subject[finding] }, from);
}

// A node that was clicked: its worst finding that has a path, else its worst finding, else the node alone.
function chooseNode(node, from) {
  const own = (F.ofNode.get(node) || []).slice().sort((a, b) => verdictOf(a) - verdictOf(b));
  const worst = own.length ? verdictOf(own[0]) : NOT_JUDGED;
  const finding = own.find((f) => verdictOf(f) === worst && D.findings.path[f] >= 0) ?? own.find((f) => verdictOf(f) < PASS && D.findings.path[f] >= 0) ?? own[0] ?? -1;
  choose({ finding, node }, from);
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let palette = {};
function readPalette() {
  const names = ['ink', 'soft', 'paper', 'sheet', 'fail-fill', 'open-fill', 'pass-fill', 'none-fill', 'none', 'zone-in', 'zone-in-fill', 'zone-doubt', 'zone-doubt-fill', 'zone-out', 'zone-out-fill', 'band', 'disc', 'disc-line', 'link', 'path', 'path-halo', 'map-ground', 'grid'];
  palette = Object.fromEntries(names.map((name) => [name, colour(`--${name}`)]));
}

// Draws the mark of a verdict: diamond, triangle, disc, ring.
function mark(ctx, look, x, y, r) {
  ctx.beginPath();
  if (look === 0) { ctx.moveTo(x, y - r * 1.25); ctx.lineTo(x + r * 1.25, y); ctx.lineTo(x, y + r * 1.25); ctx.lineTo(x - r * 1.25, y); ctx.closePath(); }
  else if (look === 1) { ctx.moveTo(x, y - r * 1.2); ctx.lineTo(x + r * 1.15, y + r * 0.85); ctx.lineTo(x - r * 1.15, y + r * 0.85); ctx.closePath(); }
  else ctx.arc(x, y, look === 2 ? r : r * 0.85, 0, 7);
  ctx.fillStyle = look === 3 ? palette['map-ground'] : palette[`${LOOKS[look]}-fill`];
  ctx.fill();
  ctx.strokeStyle = look === 3 ? palette.none : palette.ink;
  ctx.lineWidth = look === 3 ? 1.4 : 1;
  ctx.stroke();
}
