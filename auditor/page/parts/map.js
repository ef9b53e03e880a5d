// The map: zones by Leaflet, everything else by the canvas above them.
const map = {};

function zoneStyle(part) {
  const name = part.status === 'in' ? 'in' : part.status === 'out' ? 'out' : 'doubt';
  return {
    color: palette[`zone-${name}`], fillColor: palette[`zone-${name}-fill`], fillOpacity: 1,
    weight: name === 'in' ? 1.8 : 1, dashArray: name === 'in' ? null : name === 'out' ? '1 4' : '5 4',
  };
}

function startMap() {
  for (const part of D.zones.parts) part.shape = part.rings.map((polygon) => polygon.map(points));
  const view = L.map('map', {
    preferCanvas: true, attributionControl: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false,
    minZoom: 3, maxZoom: 19, zoomSnap: 0.25, wheelPxPerZoomLevel: 90, worldCopyJump: false, keyboard: true,
  });
  map.view = view;
  const renderer = L.canvas({ padding: 0.5 });
  const order = ['out', 'undecided', 'in'];
  map.parts = D.zones.parts.slice().sort((a, b) => order.indexOf(b.status) - order.indexOf(a.status)).map((part) => {
    const shape = L.polygon(part.shape, { renderer, smoothFactor: 0.6, ...zoneStyle(part) });
    const area = D.zones.areas[part.area];
    shape.bindTooltip(el('div', {}, el('b', {}, bdi(area.en)), el('br'), bdi(area.zh), el('br'), bdi(`${part.en} · ${part.zh} · ${W[`legend_${part.status}`]}`)), { sticky: true });
    return { part, shape: shape.addTo(view) };
  });
  map.bounds = {
    all: L.latLngBounds([]), home: L.latLngBounds([]), nodes: L.latLngBounds([]),
  };
  const named = new Set();
  for (const { part, shape } of map.parts) {
    if (part.status === 'out') continue;
    const bounds = shape.getBounds();
    if (part.status === 'in') map.bounds.all.extend(bounds);
    if (part.area === D.zones.home && part.status === 'in') map.bounds.home.extend(bounds);
    if (part.status === 'in' && !named.has(part.area)) named.add(part.area);
  }
  for (const at of named) nameArea(at);
  for (let i = 0; i < N.count; i++) if (hasPlace(i)) map.bounds.nodes.extend([N.lat[i], N.lon[i]]);
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(view);
  fit();
  map.layer = new NetworkLayer().addTo(view);
  view.on('click', clickMap);
  view.on('mousemove', hover);
  new ResizeObserver(() => view.invalidateSize({ animate: false })).observe($('map'));
  onChoice((from) => { showChoice(from); map.layer.animate(); });
  $('fit').addEventListener('click', fit);
}

// A ring is its first point and then steps, in units of 1e-5 degrees.
const points = (ring) => {
  const made = [];
  let lon = 0, lat = 0;
  for (let i = 0; i < ring.length; i += 2) made.push([(lat += ring[i + 1]) / DEGREE, (lon += ring[i]) / DEGREE]);
  return made;
};

function nameArea(at) {
  const area = D.zones.areas[at], bounds = L.latLngBounds([]);
  for (const { part, shape } of map.parts) if (part.area === at && part.status === 'in') bounds.extend(shape.getBounds());
  L.tooltip({ permanent: true, direction: 'top', offset: [0, 2], className: 'zone-name', interactive: false })
    .setLatLng([bounds.getNorth(), bounds.getCenter().lng])
    .setContent(el('div', {}, bdi(area.zh), el('br'), bdi(area.en)))
    .addTo(map.view);
}

// Shows the nodes and the area that the operator belongs to; nodes far off (a mistake of datum, another
// continent) do not make the rest too small to see: they count only up to a few hundred kilometres.
function fit() {
  const { home, nodes, all } = map.bounds, bounds = L.latLngBounds([]);
  if (chosen.path.filter(hasPlace).length) { showChoice('fit'); return; }
  if (home.isValid()) bounds.extend(home);
  if (nodes.isValid()) {
    const near = home.isValid() ? home.pad(6) : nodes;
    const south = Math.max(nodes.getSouth(), near.getSouth()), west = Math.max(nodes.getWest(), near.getWest());
    const north = Math.min(nodes.getNorth(), near.getNorth()), east = Math.min(nodes.getEast(), near.getEast());
    if (south <= north && west <= east) bounds.extend([south, west]).extend([north, east]);
  }
  map.view.fitBounds(bounds.isValid() ? bounds : all.isValid() ? all : [[18, 73], [54, 135]], { padding: [18, 18], animate: false, maxZoom: 16 });
}

function showChoice(from) {
  const nodes = [...chosen.path, chosen.node, ...chosen.nodes, ...chosen.named].filter(hasPlace);
  if (from === 'map' && chosen.path.length < 2) return;
  if (!nodes.length || $('panel-map').hidden) return;
  const bounds = L.latLngBounds(nodes.map((i) => [N.lat[i], N.lon[i]]));
  const metres = chosen.finding >= 0 ? D.findings.metres[chosen.finding] : null;
  if (metres != null && nodes.length === 1 && Math.abs(metres) < 600000) { // as far as the edge that it speaks of
    bounds.extend(L.latLng(N.lat[nodes[0]], N.lon[nodes[0]]).toBounds(2 * Math.max(Math.abs(metres) * 1.3, 3 * D.nodes.radius[nodes[0]], 300)));
    map.view.fitBounds(bounds, { maxZoom: 17, animate: false });
    return;
  }
  const inside = map.view.getBounds().pad(-0.08).contains(bounds);
  const span = map.view.getBounds(), small = bounds.getNorth() - bounds.getSouth() < (span.getNorth() - span.getSouth()) / 6
    && bounds.getEast() - bounds.getWest() < (span.getEast() - span.getWest()) / 6;
  if (inside && !small && from !== 'fit') return;
  if (inside && nodes.length === 1 && from !== 'fit') return;
  map.view.fitBounds(bounds.pad(0.35), { maxZoom: nodes.length > 1 ? 14 : Math.max(map.view.getZoom(), 11), animate: false });
}

function clickMap(event) {
  const hit = map.layer.at(event.containerPoint);
  if (!hit) return;
  if (hit.cell) {
    const { west, east, north, south } = hit.cell, zoom = map.view.getZoom();
    const bounds = L.latLngBounds(map.view.unproject([west, south], zoom), map.view.unproject([east, north], zoom));
    if (zoom >= map.view.getMaxZoom() || (east - west < 2 && south - north < 2)) {
      const all = map.layer.seen.filter((i) => { const x = N.x[i] * map.layer.look().scale, y = N.y[i] * map.layer.look().scale; return x >= west && x <= east && y >= north && y <= south; });
      choose({ nodes: all, node: -1 }, 'map');
    } else map.view.fitBounds(bounds.pad(0.3), { animate: false, maxZoom: zoom + 4 });
    return;
  }
  if (hit.nodes.length > 1 && new Set(hit.nodes.map((i) => `${N.x[i]},${N.y[i]}`)).size < hit.nodes.length) {
    const worst = hit.nodes.filter((i) => N.verdict[i] === FAIL);
    if (worst.length === 1) chooseNode(worst[0], 'map');
    else choose({ nodes: hit.nodes, node: -1 }, 'map');
  } else chooseNode(hit.node, 'map');
}

let tip = null;
function hover(event) {
  const hit = map.layer.at(event.containerPoint);
  map.view.getContainer().style.cursor = hit ? 'pointer' : '';
  tip?.remove();
  tip = null;
  if (!hit || hit.cell) return;
  const content = el('div', {}, el('b', {}, bdi(nodeName(hit.node))), el('br'), bdi(aboutNode(hit.node).join(' · ')));
  if (N.verdict[hit.node] < NOT_JUDGED) content.append(el('br'), D.verdicts[N.verdict[hit.node]]);
  tip = L.tooltip({ direction: 'top', offset: [0, -8] }).setLatLng([N.lat[hit.node], N.lon[hit.node]]).setContent(content).addTo(map.view);
}

function hint() {
  const lines = [];
  if (!N.placed) lines.push(W.no_places);
  else if (N.placed < N.count) lines.push(fill(W.unplaced, { count: number(N.count - N.placed) }));
  if (map.layer && !map.layer.single) lines.push(W.zoom_links);
  const line = lines.join(' ');
  if ($('map-hint').textContent !== line) $('map-hint').textContent = line;
}

function repaint() {
  readPalette();
  for (const { part, shape } of map.parts) shape.setStyle(zoneStyle(part));
  map.layer.draw();
  legend();
}

function legend() {
  const item = (draw, label) => {
    const canvas = el('canvas', { width: 44, height: 32, 'aria-hidden': 'true' });
    canvas.style.width = '22px';
    canvas.style.height = '16px';
    const ctx = canvas.getContext('2d');
    ctx.scale(2, 2);
    draw(ctx);
    return el('li', {}, canvas, label);
  };
  const box = (fill_, line, dash) => (ctx) => { ctx.fillStyle = fill_; ctx.strokeStyle = line; ctx.setLineDash(dash); ctx.fillRect(2, 2, 18, 12); ctx.strokeRect(2, 2, 18, 12); };
  const rule = (line, width, dash = []) => (ctx) => { ctx.strokeStyle = line; ctx.lineWidth = width; ctx.setLineDash(dash); ctx.beginPath(); ctx.moveTo(1, 8); ctx.lineTo(21, 8); ctx.stroke(); };
  $('legend').replaceChildren(
    ...[W.legend_fail, W.legend_open, W.legend_pass, W.legend_none].map((label, look) => item((ctx) => mark(ctx, look, 11, 8, 5), label)),
    item((ctx) => { mark(ctx, 2, 6, 8, 3.5); mark(ctx, 2, 15, 8, 6); }, W.legend_facility),
    item((ctx) => map.layer.cluster(ctx, { count: 12, shares: [1, 3, 8, 0], look: 0 }, 9, 9, 6), W.legend_cluster),
    item(box(palette['zone-in-fill'], palette['zone-in'], []), W.legend_in),
    item(box(palette['zone-doubt-fill'], palette['zone-doubt'], [4, 3]), `${W.legend_undecided}`),
    item(box(palette['zone-out-fill'], palette['zone-out'], [1, 3]), W.legend_out),
    item(rule(palette.band, 9), W.legend_band),
    item((ctx) => { ctx.fillStyle = palette.disc; ctx.strokeStyle = palette['disc-line']; ctx.beginPath(); ctx.arc(11, 8, 7, 0, 7); ctx.fill(); ctx.stroke(); }, W.legend_disc),
    item((ctx) => { rule(palette['path-halo'], 7)(ctx); rule(palette.path, 2.5, [5, 3])(ctx); }, W.legend_path),
    item(rule(palette.link, 1.5), W.legend_link),
  );
}
