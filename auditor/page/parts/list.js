// The list of findings: the markup has the first of each group; scripts list more, and what filters leave.
const STEP = 50, FIRST = 12, GROUP_STEP = 25;
const boxes = new Map(); // group -> its element
const limits = new Map(); // group -> how many findings are listed
let filtered = false;

const slot = (root, name) => root.querySelector(`[data-slot="${name}"]`);
function put(root, name, value, box = name) {
  if (!value) slot(root, box)?.remove();
  else slot(root, name).textContent = value;
}

function makeRow(finding, withPath) {
  const row = $('row-template').content.firstElementChild.cloneNode(true);
  const { findings } = D, node = findings.subject[finding];
  row.id = `f-${anchorOf(finding)}`;
  row.dataset.finding = finding;
  slot(row, 'subject').textContent = subjectOf(finding);
  slot(row, 'about').append(...(node >= 0 ? aboutNode(node).map(bdi) : []));
  slot(row, 'anchor').href = `#${row.id}`;
  put(row, 'message', text(findings.message[finding]));
  put(row, 'facts', text(findings.facts[finding]));
  put(row, 'ask', text(findings.ask[finding]), 'ask-box');
  const seen = findings.seen[finding];
  if (seen) slot(row, 'seen').append(...seen.map((line) => el('li', { text: text(line) })));
  else slot(row, 'seen-box').remove();
  if (withPath && findings.path[finding] >= 0) fillPath(row, finding);
  else slot(row, 'way').remove();
  return row;
}

function fillPath(row, finding) {
  slot(row, 'way-label').textContent = groupOf(finding).gate ? W.path_to_gate : W.path;
  slot(row, 'path').replaceChildren(...pathOf(finding).map((node) => el('li', {}, node < 0 ? bdi(W.blank_end) : button(nodeName(node), () => chooseNode(node, 'path')))));
}

function makeGroup(at) {
  const box = $('group-template').content.firstElementChild.cloneNode(true);
  const group = D.groups[at];
  box.dataset.group = at;
  const badge = slot(box, 'badge');
  badge.classList.add(D.codes[group.verdict]);
  badge.textContent = D.verdicts[group.verdict];
  slot(box, 'title').textContent = text(group.title);
  put(box, 'group-message', text(group.message));
  put(box, 'group-ask', text(group.ask), 'group-ask-box');
  return box;
}

function membersOf(at) {
  const { start, end } = D.groups[at], members = [];
  for (let i = start; i < end; i++) if (F.shown[i]) members.push(i);
  return members;
}

// Lists a group: its first matching findings up to its limit, and a button for more.
function listGroup(at) {
  const box = boxes.get(at), group = D.groups[at], members = membersOf(at);
  box.hidden = !members.length;
  if (!members.length) return 0;
  const limit = limits.get(at) || FIRST, rows = slot(box, 'rows');
  const wanted = members.slice(0, limit), there = new Map([...rows.children].map((row) => [Number(row.dataset.finding), row]));
  rows.replaceChildren(...wanted.map((f, i) => there.get(f) || makeRow(f, i === 0)));
  slot(box, 'matching').textContent = filtered && members.length < group.size ? `${number(members.length)} / ${number(group.size)}` : '';
  const more = slot(box, 'more'), rest = members.length - wanted.length;
  more.hidden = rest <= 0;
  more.textContent = fill(W.more, { count: number(Math.min(rest, STEP)) }) + (rest > STEP ? ` / ${number(rest)}` : '');
  return members.length;
}

const ruleGroups = new Map(); // rule section -> its groups, in order
const groupLimits = new Map();

function listRule(section) {
  const groups = ruleGroups.get(section).filter((at) => !filtered || D.groups[at].hits);
  const limit = groupLimits.get(section) || GROUP_STEP, wanted = groups.slice(0, limit);
  slot(section, 'groups').replaceChildren(...wanted.map((at) => {
    if (!boxes.has(at)) boxes.set(at, makeGroup(at));
    listGroup(at);
    return boxes.get(at);
  }));
  const more = slot(section, 'more-groups'), rest = groups.length - wanted.length;
  more.hidden = rest <= 0;
  more.textContent = fill(W.more_groups, { count: number(Math.min(rest, GROUP_STEP)) }) + (rest > GROUP_STEP ? ` / ${number(rest)}` : '');
  section.hidden = filtered && !groups.length;
  return groups.length;
}

function listAll() {
  for (const group of D.groups) group.hits = 0;
  let open = 0, settled = 0;
  for (let i = 0; i < F.count; i++) {
    if (!F.shown[i]) continue;
    const group = groupOf(i);
    group.hits++;
    group.settled ? settled++ : open++;
  }
  for (const section of ruleGroups.keys()) listRule(section);
  const fold = $('settled');
  if (fold) fold.hidden = filtered && !settled;
  if (fold && filtered && settled && !open) fold.open = true;
  markRows();
  return { open, settled };
}

function startList() {
  for (const section of document.querySelectorAll('.rule')) {
    const settled = !!section.closest('#settled'), rule = section.dataset.rule;
    ruleGroups.set(section, D.groups.map((_, at) => at).filter((at) => D.groups[at].rule === rule && D.groups[at].settled === settled));
    for (const box of section.querySelectorAll('.group')) boxes.set(Number(box.dataset.group), box);
    slot(section, 'more-groups').addEventListener('click', () => {
      groupLimits.set(section, (groupLimits.get(section) || GROUP_STEP) + GROUP_STEP);
      listRule(section);
    });
  }
  for (const row of document.querySelectorAll('.finding')) {
    const finding = Number(row.dataset.finding);
    if (D.findings.path[finding] >= 0 && slot(row, 'way')) fillPath(row, finding);
  }
  document.addEventListener('click', (event) => {
    const more = event.target.closest('.group .more');
    if (more) {
      const at = Number(more.closest('.group').dataset.group), before = limits.get(at) || FIRST;
      limits.set(at, before + STEP);
      listGroup(at);
      markRows();
      slot(boxes.get(at), 'rows').children[before]?.querySelector('button').focus();
    }
    const subject = event.target.closest('.finding .subject');
    if (subject) chooseFinding(Number(subject.closest('.finding').dataset.finding), 'list');
  });
  onChoice((from) => {
    markRows();
    // Where the map stands above the list, who chooses in the list is taken to it; a link leads back.
    if ((from === 'list' || from === 'nodes') && matchMedia('(max-width: 65.99rem)').matches) $('view').scrollIntoView({ block: 'start' });
    if (from !== 'list' && from !== 'path' && chosen.finding >= 0) reveal(chosen.finding, false);
  });
}

// Marks the finding that is chosen, and shows its path in its row.
function markRows() {
  for (const row of document.querySelectorAll('.finding.chosen')) row.classList.remove('chosen');
  if (chosen.finding < 0) return;
  const row = $(`f-${anchorOf(chosen.finding)}`);
  if (!row) return;
  row.classList.add('chosen');
  if (!slot(row, 'way') && D.findings.path[chosen.finding] >= 0) {
    const way = slot($('row-template').content, 'way').cloneNode(true);
    slot(row, 'facts') ? slot(row, 'facts').after(way) : row.append(way);
    fillPath(row, chosen.finding);
  }
}

// Lists a finding that is not listed yet, and goes there if asked.
function reveal(finding, go) {
  const at = F.group[finding], group = D.groups[at];
  const section = [...ruleGroups.keys()].find((one) => ruleGroups.get(one).includes(at));
  if (!section || !F.shown[finding]) return;
  const groups = ruleGroups.get(section).filter((one) => !filtered || D.groups[one].hits), place = groups.indexOf(at);
  if (place >= (groupLimits.get(section) || GROUP_STEP)) { groupLimits.set(section, place + 1); listRule(section); }
  const member = membersOf(at).indexOf(finding);
  if (member >= (limits.get(at) || FIRST) && (go || member < 500)) { limits.set(at, member + 1); listGroup(at); }
  if (group.settled && $('settled')) $('settled').open ||= go;
  markRows();
  const row = $(`f-${anchorOf(finding)}`);
  if (go && row) { row.scrollIntoView({ block: 'center' }); row.querySelector('button').focus({ preventScroll: true }); }
}
