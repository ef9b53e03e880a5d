// Filters, tabs, theme, and the start of everything.
const filters = () => ({
  q: $('q').value.trim().toLowerCase(), rule: $('by-rule').value, verdict: $('by-verdict').value, service: $('by-service').value, owner: $('by-owner').value,
});
const NODE_STEP = 50;
let nodesListed = NODE_STEP, haystack = null;

function option(select, value, label) { $(select).append(el('option', { value, text: label })); }

function startFilters() {
  D.rules.forEach((rule, at) => option('by-rule', at, `${rule.id} ${rule.title}`));
  const there = new Set([...D.groups.map((g) => g.verdict), ...D.nodes.combinations.flat().map(([, v]) => v)]);
  [...there].sort((a, b) => a - b).forEach((code) => option('by-verdict', code, D.verdicts[code]));
  const services = new Set([...D.nodes.services.flat(), ...D.rules.map((rule) => rule.service).filter(Boolean), ...D.findings.others.filter((name) => name.startsWith('service:')).map((name) => name.slice(8))]);
  [...services].sort().forEach((code) => option('by-service', code, code));
  const counts = new Map();
  D.nodes.owner.forEach((code) => { if (code >= 0) counts.set(code, (counts.get(code) || 0) + 1); });
  [...counts].sort((a, b) => b[1] - a[1]).slice(0, 500).forEach(([code]) => option('by-owner', code, D.nodes.owners[code]));
  if (D.nodes.owner.some((code, i) => code < 0 && i < N.count - D.nodes.undeclared)) option('by-owner', -1, W.not_stated);
  let wait;
  $('q').addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(apply, 140); });
  for (const name of ['rule', 'verdict', 'service', 'owner']) $(`by-${name}`).addEventListener('change', apply);
  $('filters').addEventListener('submit', (event) => { event.preventDefault(); clearTimeout(wait); apply(); });
  $('filters').addEventListener('reset', () => { clearTimeout(wait); setTimeout(apply); });
  $('q').addEventListener('keydown', (event) => { if (event.key === 'Escape' && $('q').value) { event.stopPropagation(); $('q').value = ''; apply(); } });
}

// Texts to search, in lower case, made on the first search.
function searchable() {
  haystack ||= {
    node: D.nodes.id.map((id, i) => `${id}\n${D.nodes.name[i] || ''}`.toLowerCase()),
    owner: D.nodes.owners.map((one) => one.toLowerCase()),
    kind: D.nodes.kinds.map((one) => one.toLowerCase()),
    text: D.texts.map((one) => one.toLowerCase()),
    other: D.findings.others.map((one) => one.toLowerCase()),
    group: D.groups.map((g) => [g.rule, text(g.title), text(g.message), text(g.ask), D.rules.find((rule) => rule.id === g.rule)?.title].join('\n').toLowerCase()),
  };
  return haystack;
}

function apply() {
  const want = filters();
  filtered = Object.values(want).some((value) => value !== '');
  const hasWord = filtered ? sift(want) : null;
  if (!filtered) { F.shown.fill(1); N.shown.fill(1); }
  const { open, settled } = listAll(), nodesShown = N.shown.reduce((sum, one) => sum + one, 0);
  nodesListed = NODE_STEP;
  listNodes(want, hasWord);
  $('nothing').hidden = !(filtered && !open && !settled && !nodesShown);
  const values = { findings: number(open + settled), nodes: number(nodesShown), all_findings: number(F.count), all_nodes: number(N.count) };
  $('matching').textContent = filtered ? fill(W.shown_some, values) : fill(W.shown_all, { ...values, findings: number(F.open) });
  for (const name of ['q', 'by-rule', 'by-verdict', 'by-service', 'by-owner']) $(name).classList.toggle('on', $(name).value !== '');
  map.layer.draw();
  drawTopology();
}

// Marks the findings and nodes that fit; gives the nodes that hold the words of the search.
function sift(want) {
  const { nodes, findings } = D;
  const hasWord = nodesWith(want.q), rule = want.rule === '' ? -1 : Number(want.rule), verdict = want.verdict === '' ? -1 : Number(want.verdict);
  const owner = want.owner === '' ? null : Number(want.owner);
  const serviceLists = nodes.services.map((list) => !want.service || list.includes(want.service));
  const combos = nodes.combinations.map((combo, at) => (rule < 0 ? verdict < 0 || N.worst[at] === verdict : combo.some(([r, v]) => r === rule && (verdict < 0 || v === verdict))));
  const fits = (i) => (owner === null || nodes.owner[i] === owner) && (!want.service || (nodes.service[i] < 0 ? true : serviceLists[nodes.service[i]]));
  const hay = want.q ? searchable() : null;
  const groupWord = hay ? hay.group.map((one) => one.includes(want.q)) : null;
  const textWord = hay ? hay.text.map((one) => one.includes(want.q)) : null;
  const byFinding = new Uint8Array(N.count);
  for (let i = 0; i < F.count; i++) {
    const group = groupOf(i), node = findings.subject[i];
    let shown = (rule < 0 || group.rule === D.rules[rule].id) && (verdict < 0 || group.verdict === verdict);
    if (shown && node >= 0) shown = fits(node);
    else if (shown) shown = owner === null && (!want.service || otherServes(findings.others[-1 - node], group.rule, want.service));
    if (shown && hay) {
      shown = groupWord[F.group[i]] || (node >= 0 ? hasWord[node] : hay.other[-1 - node].includes(want.q)) || textWord[findings.message[i]] || textWord[findings.facts[i]] || (findings.seen[i] || []).some((at) => textWord[at]) || false;
    }
    F.shown[i] = shown ? 1 : 0;
    if (shown && node >= 0) byFinding[node] = 1;
  }
  for (let i = 0; i < N.count; i++) N.shown[i] = fits(i) && combos[nodes.judged[i]] && (!want.q || hasWord[i] || byFinding[i]) ? 1 : 0;
  return hasWord;
}

function otherServes(name, ruleId, service) {
  if (name.startsWith('service:')) return name.slice(8) === service;
  return D.rules.find((rule) => rule.id === ruleId)?.service === service;
}

function nodesWith(q) {
  const found = new Uint8Array(N.count);
  if (!q) return found;
  const hay = searchable(), owners = hay.owner.map((one) => one.includes(q)), kinds = hay.kind.map((one) => one.includes(q));
  for (let i = 0; i < N.count; i++) {
    if (hay.node[i].includes(q) || owners[D.nodes.owner[i]] || kinds[D.nodes.kind[i]]) found[i] = 1;
  }
  return found;
}

// Nodes that a search finds by their own texts, whether they have a finding or not.
function listNodes(want, hasWord) {
  const box = $('nodes-found'), list = [];
  if (filtered) for (let i = 0; i < N.count; i++) if (N.shown[i] && (!want.q || hasWord[i])) list.push(i);
  box.hidden = !list.length;
  if (!list.length) return;
  list.sort((a, b) => N.verdict[a] - N.verdict[b] || a - b);
  box.querySelector('h3').textContent = fill(W.nodes_found, { count: number(list.length) });
  box.querySelector('ul').replaceChildren(...list.slice(0, nodesListed).map((node) => el('li', {}, button(nodeName(node), () => chooseNode(node, 'nodes'), { class: 'subject' }), N.verdict[node] < NOT_JUDGED ? ` ${D.verdicts[N.verdict[node]]}` : '')));
  const more = box.querySelector('.more'), rest = list.length - nodesListed;
  more.hidden = rest <= 0;
  more.textContent = fill(W.more, { count: number(Math.min(rest, NODE_STEP * 4)) });
  more.onclick = () => { nodesListed += NODE_STEP * 4; listNodes(want, hasWord); };
}

function startTabs() {
  const tabs = ['map', 'topology'];
  const show = (name, focus) => {
    for (const one of tabs) {
      const on = one === name;
      $(`tab-${one}`).setAttribute('aria-selected', on);
      $(`tab-${one}`).tabIndex = on ? 0 : -1;
      $(`panel-${one}`).hidden = !on;
    }
    $('fit').hidden = name !== 'map';
    if (focus) $(`tab-${name}`).focus();
    if (name === 'map') { map.view.invalidateSize({ animate: false }); map.layer.draw(); showChoice('tab'); } else drawTopology();
    showDetails();
  };
  for (const name of tabs) {
    $(`tab-${name}`).addEventListener('click', () => show(name));
    $(`tab-${name}`).addEventListener('keydown', (event) => {
      if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') show(name === 'map' ? 'topology' : 'map', true);
    });
  }
  onChoice((from) => {
    // A path that the map cannot draw is shown where it can be.
    const path = chosen.path, drawn = path.filter(hasPlace).length;
    const lost = path.length ? drawn < 2 && path.length > 1 : chosen.node >= 0 && !hasPlace(chosen.node);
    if (lost && from !== 'close') show('topology');
    else if (from !== 'topology' && drawn > 1 && drawn === path.length && $('panel-map').hidden && from !== 'close') show('map');
    else drawTopology();
  });
  if (!N.placed) show('topology');
}

function startTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  $('theme').addEventListener('click', () => {
    const now = document.documentElement.dataset.theme || (dark.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = now === 'dark' ? 'light' : 'dark';
    $('theme').setAttribute('aria-pressed', document.documentElement.dataset.theme === 'dark');
    repaint();
  });
  dark.addEventListener('change', repaint);
  $('print')?.addEventListener('click', () => window.print());
  let opened = [];
  const before = () => {
    opened = [...document.querySelectorAll('details:not([open]):not(#settled)')]; // each pass by itself fills forty pages
    for (const one of opened) one.open = true;
    readPalette();
    map.view.invalidateSize({ animate: false });
    repaint();
  };
  const after = () => { for (const one of opened) one.open = false; opened = []; setTimeout(() => { map.view.invalidateSize({ animate: false }); repaint(); }); };
  window.addEventListener('beforeprint', before);
  window.addEventListener('afterprint', after);
}

// In a frame of a notebook a link to a place of the page would lead to the notebook's own address instead.
function stayInside(event) {
  const link = event.target.closest('a[href^="#"]');
  if (!link || location.protocol !== 'about:') return;
  event.preventDefault();
  const name = link.getAttribute('href').slice(1);
  goTo(name);
  $(name)?.scrollIntoView();
}

function goTo(name) {
  if (!name.startsWith('f-')) return;
  const at = D.findings.anchor.indexOf(name.slice(2));
  if (at >= 0 && at % 12 === 0) { chooseFinding(at / 12, 'hash'); reveal(at / 12, true); }
}

async function start() {
  prepare(await read());
  readPalette();
  for (const node of document.querySelectorAll('.tools, #filters, #view')) node.hidden = false;
  document.querySelector('.columns').classList.add('with-view');
  startList();
  startMap();
  startDetails();
  startTabs();
  startTheme();
  startFilters();
  legend();
  apply();
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && (chosen.finding >= 0 || chosen.node >= 0 || chosen.nodes.length)) choose({}, 'close'); });
  document.addEventListener('click', stayInside);
  window.addEventListener('hashchange', () => goTo(location.hash.slice(1)));
  goTo(location.hash.slice(1));
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

start().catch((error) => {
  $('too-old').hidden = false;
  console.error(error);
});
