// What is known of the node or finding that is chosen.
function startDetails() {
  onChoice(showDetails);
}

function showDetails() {
  const box = $('details');
  const { finding, node, nodes } = chosen;
  if (finding < 0 && node < 0 && !nodes.length) { box.replaceChildren(el('p', { class: 'hint', text: W.choose })); return; }
  const close = el('button', { type: 'button', id: 'close', text: W.close, onclick: () => choose({}, 'close') });
  if (nodes.length) {
    box.replaceChildren(el('h3', {}, el('span', { text: fill(W.nodes_here, { count: number(nodes.length) }) }), close), nodeList(nodes.slice(0, 60)));
    return;
  }
  const parts = [el('h3', {}, bdi(finding >= 0 && node < 0 ? subjectOf(finding) : nodeName(node)), close)];
  if (finding >= 0) parts.push(...findingLines(finding));
  if (node >= 0) parts.push(facts(node));
  if (chosen.named.length) parts.push(nodeList(chosen.named));
  box.replaceChildren(...parts);
}

const nodeList = (nodes) => el('ul', {}, ...nodes.map((node) => el('li', {}, button(nodeName(node), () => chooseNode(node, 'details'), { class: 'subject' }), ' ', el('span', { class: 'about' }, ...aboutNode(node).map(bdi)), N.verdict[node] < NOT_JUDGED ? ` · ${D.verdicts[N.verdict[node]]}` : '')));

function findingLines(finding) {
  const group = groupOf(finding), lines = [];
  const message = text(group.message) || text(D.findings.message[finding]);
  lines.push(el('p', {}, el('span', { class: `badge ${D.codes[group.verdict]}`, text: D.verdicts[group.verdict] }), ' ', el('a', { href: `#f-${anchorOf(finding)}`, text: group.rule }), ' ', message));
  const path = pathOf(finding);
  if (!path.length) return lines;
  const steps = path.map((node) => el('li', {}, node < 0 ? bdi(W.blank_end) : button(nodeName(node), () => chooseNode(node, 'path'))));
  lines.push(el('div', { class: 'way' }, el('span', { class: 'label', text: group.gate ? W.path_to_gate : W.path }), el('ol', { class: 'path' }, ...steps)));
  const lost = path.filter((node) => !hasPlace(node)).length;
  if (lost && $('panel-topology').hidden) lines.push(el('p', { class: 'hint' }, fill(W.path_unplaced, { count: lost, all: path.length }), ' ', button(W.to_topology, () => { $('tab-topology').click(); $('tab-topology').focus(); })));
  return lines;
}

function facts(node) {
  const list = el('dl');
  const say = (name, ...values) => { const told = values.filter((one) => one); if (told.length) list.append(el('dt', { text: name }), el('dd', {}, ...told.flatMap((one, i) => (i ? [' · ', one] : [one])))); };
  const { nodes } = D, role = nodes.role[node];
  if (node >= N.count - nodes.undeclared) { say(W.kind, W.undeclared); return list; }
  say(W.name, nodes.name[node] && bdi(nodes.name[node]));
  say(W.kind, kindOf(node));
  say(W.owner, bdi(ownerOf(node) || W.not_stated));
  say(W.services, bdi(nodes.service[node] < 0 ? W.services_all : nodes.services[nodes.service[node]].join(', ')));
  const roles = [[SUBJECT, 'role_subject'], [FACILITY, 'role_facility'], [MAYBE_FACILITY, 'role_maybe'], [GATE, 'role_gate'], [MAYBE_GATE, 'role_maybe_gate'], [ROOT, 'role_root'], [MAYBE_ROOT, 'role_maybe_root'], [IDLE, 'out_of_service']];
  say(W.role, ...roles.filter(([flag]) => role & flag).map(([, name]) => W[name]));
  say(W.place, ...placeOf(node));
  say(W.address, nodes.address[node] && bdi(nodes.address[node]));
  say(W.site, nodes.site[node] >= 0 && bdi(nodes.sites[nodes.site[node]]));
  const judged = nodes.combinations[nodes.judged[node]];
  if (judged.length) list.append(el('dt', { text: W.judged }), el('dd', {}, ...judged.map(([rule, verdict]) => el('div', {}, el('span', { class: `badge ${D.codes[verdict]}`, text: D.verdicts[verdict] }), ` ${D.rules[rule].id} ${D.rules[rule].title}`))));
  const near = neighboursOf(node);
  if (near.length) list.append(el('dt', { text: W.neighbours }), el('dd', { class: 'path' }, ...near.slice(0, 12).flatMap((one, i) => [i ? ', ' : '', button(nodeName(one), () => chooseNode(one, 'details'))]), near.length > 12 ? ` … ${number(near.length)}` : ''));
  return list;
}

function placeOf(node) {
  const { nodes, zones, relations } = D, area = zones.areas[nodes.area[node]];
  const basis = ['', W.by_region_code, W.by_coordinates, W.by_address][nodes.basis[node]];
  const told = [nodes.relation[node] === 4 ? W.no_place : `${relations[nodes.relation[node]]}${area ? ` (${area.en} ${area.zh})` : ''}${basis ? `, ${basis}` : ''}`];
  if (hasPlace(node)) {
    told.push(`${N.lon[node].toFixed(5)}, ${N.lat[node].toFixed(5)}`);
    told.push(fill(nodes.unsure[node] ? W.accuracy : W.accuracy_stated, { metres: number(nodes.radius[node]) }));
  } else told.push(W.no_coordinates);
  if (nodes.region[node] >= 0) told.push(fill(W.region, { code: nodes.regions[nodes.region[node]] }));
  if (nodes.inherited[node]) told.push(W.inherited);
  if (nodes.conflict[node]) told.push(W.conflict);
  return told.map(bdi);
}
