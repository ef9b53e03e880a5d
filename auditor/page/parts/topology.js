// The topology: layers from subjects (left) to where the Internet lies (right), laid out the same every time.
const MOST_DRAWN = 140, MOST_GROUPS = 12, ROW_PX = 34, COLUMN_PX = 104;
let drawnTopology = null;

// What is drawn: the chosen path with its surroundings, else a small network whole, else the worst groups' paths.
function pickTopology() {
  const edges = new Map(), nodes = new Set(), bubbles = new Map(), ends = new Set();
  const edge = (a, b, on) => { if (a === b) return; const key = `${a}>${b}`, back = `${b}>${a}`; const e = edges.get(key) || edges.get(back); if (e) { e.on ||= on; return; } edges.set(key, { a, b, on }); };
  const addPath = (path, on) => path.forEach((node, i) => { const at = keyOf(path, i); nodes.add(at); if (path.length > 1 && i === path.length - 1) ends.add(at); if (i) edge(keyOf(path, i - 1), at, on); });
  const focus = chosen.path.length ? chosen.path : chosen.node >= 0 ? [chosen.node] : [];
  const small = N.count <= 90;
  if (small) for (let i = 0; i < N.count; i++) if (N.shown[i] || focus.includes(i)) nodes.add(i);
  if (!small && !focus.length) worstPaths(addPath, edge, nodes, bubbles);
  addPath(focus, focus.length > 1);
  if (!small) for (const node of focus.slice(0, 40)) for (const other of neighboursOf(node).slice(0, 6)) { if (nodes.size >= MOST_DRAWN) break; nodes.add(other); }
  const { tail, head } = D.links;
  if (small || focus.length) for (let i = 0; i < tail.length; i++) if (nodes.has(tail[i]) && nodes.has(head[i])) edge(tail[i], head[i], false);
  return { nodes: [...nodes], edges: [...edges.values()], bubbles, focus, ends };
}
// A far end that nobody declared has no node; it is drawn once for each near end.
const keyOf = (path, i) => (path[i] >= 0 ? path[i] : -2 - (path[i - 1] ?? 0));

function worstPaths(addPath, edge, nodes, bubbles) {
  let drawn = 0;
  for (let at = 0; at < D.groups.length && nodes.size < MOST_DRAWN && drawn < MOST_GROUPS; at++) {
    const group = D.groups[at], members = group.settled ? [] : membersOf(at).filter((f) => D.findings.path[f] >= 0);
    if (!members.length) continue;
    drawn++;
    if (members.length <= 4) { members.forEach((f) => addPath(pathOf(f), false)); continue; }
    const path = pathOf(members[0]), bubble = `group ${at}`;
    if (path.length < 2) continue;
    addPath(path.slice(1), false);
    nodes.add(bubble);
    bubbles.set(bubble, { at, count: members.length, verdict: group.verdict });
    edge(bubble, keyOf(path, 1), false);
  }
}

// Layers by hops to the nearest root (else gate, else end of a path), then a few sweeps against crossings.
function layout({ nodes, edges, bubbles, focus, ends }) {
  const near = new Map(nodes.map((node) => [node, []]));
  for (const { a, b } of edges) { near.get(a)?.push(b); near.get(b)?.push(a); }
  const role = (node) => (typeof node === 'number' && node >= 0 ? D.nodes.role[node] : node < -1 ? ROOT : 0);
  let roots = nodes.filter((node) => role(node) & ROOT || ends.has(node));
  if (!roots.length) roots = nodes.filter((node) => role(node) & (GATE | MAYBE_GATE | MAYBE_ROOT));
  if (!roots.length && nodes.length) roots = [nodes.slice().sort((a, b) => near.get(b).length - near.get(a).length)[0]];
  const depth = new Map(roots.map((node) => [node, 0]));
  const queue = [...roots];
  for (let i = 0; i < queue.length; i++) for (const other of near.get(queue[i])) if (!depth.has(other)) { depth.set(other, depth.get(queue[i]) + 1); queue.push(other); }
  focus.forEach((node, i) => { if (focus.length > 1) depth.set(keyOf(focus, i), Math.max(focus.length - 1 - i, 0)); });
  const deepest = Math.max(0, ...depth.values());
  for (const bubble of bubbles.keys()) depth.set(bubble, deepest);
  const columns = [];
  for (const node of nodes) (columns[deepest - (depth.get(node) ?? deepest)] ||= []).push(node);
  const y = new Map();
  const label = (node) => (bubbles.has(node) ? '' : nodeName(node));
  const place = (column) => column.forEach((node, i) => y.set(node, i - (column.length - 1) / 2));
  for (const column of columns) { column?.sort((a, b) => (label(a) < label(b) ? -1 : 1)); if (column) place(column); }
  const middle = (node) => { const ys = near.get(node).map((other) => y.get(other)).filter((one) => one !== undefined); return ys.length ? ys.reduce((s, one) => s + one, 0) / ys.length : y.get(node); };
  for (let sweep = 0; sweep < 6; sweep++) {
    const order = sweep % 2 ? columns.slice().reverse() : columns;
    for (const column of order) {
      if (!column) continue;
      const wanted = new Map(column.map((node) => [node, middle(node)]));
      column.sort((a, b) => wanted.get(a) - wanted.get(b) || (label(a) < label(b) ? -1 : 1));
      place(column);
    }
  }
  const lit = focus.map((_, i) => keyOf(focus, i)); // the path that is chosen runs straight through the middle
  for (const column of columns) {
    const middle_ = column?.filter((node) => lit.includes(node)).map((node) => y.get(node))[0];
    if (middle_) for (const node of column) y.set(node, y.get(node) - middle_);
  }
  const tall = 1 + 2 * Math.max(0, ...[...y.values()].map(Math.abs));
  return { columns, y, tall };
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function drawTopology() {
  const box = $('topology');
  if ($('panel-topology').hidden) { drawnTopology = null; return; }
  const picked = pickTopology(), { columns, y, tall } = layout(picked);
  const width = Math.max(box.clientWidth - 4, columns.length * COLUMN_PX + 40), height = Math.max(box.clientHeight - 6, tall * ROW_PX + 60);
  const gap = (width - 130) / Math.max(1, columns.length - 1), row = Math.min(70, (height - 50) / tall);
  const at = new Map();
  columns.forEach((column, i) => column?.forEach((node) => at.set(node, [26 + (columns.length > 1 ? i * gap : width / 2 - 40), height / 2 + y.get(node) * row])));
  const root = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': W.topology_label });
  const hand = chosen.finding >= 0 ? groupOf(chosen.finding).handoff : [];
  const on = new Set(picked.focus.map((_, i) => keyOf(picked.focus, i)));
  for (const { a, b, on: lit } of picked.edges) {
    if (!at.has(a) || !at.has(b)) continue;
    const [x1, y1] = at.get(a), [x2, y2] = at.get(b), bend = x1 === x2 ? 40 : (x2 - x1) / 2;
    const crossing = lit && hand.length && (hand.length < 2 || hand[0] === nodeName(a)) && hand[hand.length - 1] === nodeName(Math.max(b, -1));
    root.append(svg('path', { class: `edge${lit ? ' on flow' : ''}${crossing ? ' hand' : ''}${on.size > 1 && !lit ? ' dim' : ''}`, d: `M${x1},${y1}C${x1 + bend},${y1} ${x2 - (x1 === x2 ? -40 : bend)},${y2} ${x2},${y2}` }));
  }
  let focusable = true;
  for (const [node, [x, cy]] of at) {
    root.append(topologyNode(node, x, cy, picked.bubbles.get(node), on.has(node), on.size > 1 && !on.has(node), focusable, width));
    focusable = false;
  }
  root.addEventListener('keydown', roveTopology);
  box.replaceChildren(root);
  const first = picked.focus.length ? at.get(keyOf(picked.focus, 0)) : null;
  if (first) box.scrollTo(Math.max(0, first[0] - 60), Math.max(0, first[1] - box.clientHeight / 2));
  drawnTopology = picked;
  const whole = picked.nodes.length >= N.count;
  $('topology-hint').textContent = !picked.nodes.length ? W.topology_none : whole ? '' : fill(W.topology_some, { count: number(picked.nodes.length) });
}

function topologyNode(node, x, y, bubble, on, dim, focusable, width) {
  const look = LOOKS[lookOf(bubble ? bubble.verdict : node >= 0 ? N.verdict[node] : NOT_JUDGED)];
  const name = bubble ? fill(W.subscriber_group, { count: number(bubble.count) }) : nodeName(Math.max(node, -1));
  const about = bubble ? text(D.groups[bubble.at].title) : node >= 0 ? [...aboutNode(node), N.verdict[node] < NOT_JUDGED ? D.verdicts[N.verdict[node]] : ''].filter(Boolean).join(' · ') : '';
  const r = bubble ? 9 : 7, shapes = { fail: `M${x},${y - 9}L${x + 9},${y}L${x},${y + 9}L${x - 9},${y}Z`, open: `M${x},${y - 8}L${x + 8},${y + 6}L${x - 8},${y + 6}Z` };
  const shape = shapes[look] ? svg('path', { d: shapes[look], class: `shape v-${look}` }) : svg('circle', { cx: x, cy: y, r, class: `shape v-${look}` });
  const left = x > width - 90;
  const label = svg('text', { x: left ? x - 12 : x + 12, y: y - 8, 'text-anchor': left ? 'end' : 'start' });
  label.textContent = name.length > 22 ? `${name.slice(0, 21)}…` : name;
  const title = svg('title', {});
  title.textContent = `${name}${about ? ` — ${about}` : ''}`;
  const pick = () => {
    if (bubble) reveal(D.groups[bubble.at].start, true);
    else if (node >= 0) chooseNode(node, 'topology');
  };
  const made = svg('g', { class: `node${on ? ' on' : ''}${dim ? ' dim' : ''}`, tabindex: focusable ? 0 : -1, role: 'button', 'aria-label': title.textContent, 'data-node': node }, title, shape, label);
  made.addEventListener('click', pick);
  made.addEventListener('keydown', (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pick(); } });
  return made;
}

// Arrow keys go from node to node; one of them is in the order of the Tab key.
function roveTopology(event) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (!steps[event.key]) return;
  event.preventDefault();
  const all = [...event.currentTarget.querySelectorAll('.node')], now = all.indexOf(document.activeElement);
  const next = all[(now + steps[event.key] + all.length) % all.length];
  all.forEach((one) => one.setAttribute('tabindex', one === next ? 0 : -1));
  next.focus();
}
