// The canvas of the map: bands, discs, links, nodes or clusters of nodes, and above it the path that is chosen.
const CELL_PX = 56, MOST_SINGLE = 2500, MOST_DISCS = 600, MOST_LINKS_DRAWN = 20000;

const short = (n) => (n < 1000 ? String(n) : n < 999500 ? `${+(n / 1000).toPrecision(n < 10000 ? 2 : 3)}k` : `${+(n / 1e6).toPrecision(2)}M`);

const NetworkLayer = L.Layer.extend({
  onAdd(map) {
    this._map = map;
    const pane = map.createPane('network');
    pane.style.zIndex = 450;
    pane.style.pointerEvents = 'none';
    this.canvas = L.DomUtil.create('canvas', 'network-canvas', pane);
    this.over = L.DomUtil.create('canvas', 'path-canvas', pane);
    map.on('move zoom resize viewreset', this.later, this);
    this.draw();
  },
  later() {
    if (this._frame) return;
    this._frame = requestAnimationFrame(() => { this._frame = 0; this.draw(); });
  },
  fit(canvas) {
    const size = this._map.getSize(), ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(size.x * ratio) || canvas.height !== Math.round(size.y * ratio)) {
      canvas.width = Math.round(size.x * ratio);
      canvas.height = Math.round(size.y * ratio);
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
    }
    L.DomUtil.setPosition(canvas, this._map.containerPointToLayerPoint([0, 0]));
    const ctx = canvas.getContext('2d');
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, size.x, size.y);
    return ctx;
  },
  look() {
    const map = this._map, size = map.getSize(), zoom = map.getZoom(), scale = 256 * 2 ** zoom;
    const origin = map.getPixelBounds().min, lat = map.getCenter().lat * Math.PI / 180;
    return { size, zoom, scale, x0: origin.x, y0: origin.y, pxPerM: scale / (40075016.7 * Math.cos(lat)) };
  },
  draw() {
    if (!this._map || !this._map._loaded) return;
    const v = this.look(), ctx = this.fit(this.canvas);
    if (!v.size.x || !v.size.y) return;
    this.visible(v);
    this.graticule(ctx, v);
    this.bands(ctx, v);
    this.single ? this.drawSingle(ctx, v) : this.drawClusters(ctx, v);
    this.drawPath(0);
    hint();
  },
  // Nodes in view that filters leave; those on the path always count.
  visible(v) {
    const seen = [], margin = 30;
    for (let i = 0; i < N.count; i++) {
      if (!N.shown[i]) continue;
      const x = N.x[i] * v.scale - v.x0, y = N.y[i] * v.scale - v.y0;
      if (x > -margin && y > -margin && x < v.size.x + margin && y < v.size.y + margin) seen.push(i);
    }
    this.seen = seen;
    this.single = !D.cells.length && (seen.length <= MOST_SINGLE);
    if (D.cells.length) this.single = v.zoom >= 15 && seen.length <= MOST_SINGLE;
  },
  graticule(ctx, v) {
    const degrees = 360 * 120 / v.scale, steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];
    const step = steps.find((one) => one >= degrees) || 30, bounds = this._map.getBounds();
    ctx.strokeStyle = palette.grid;
    ctx.fillStyle = palette.soft;
    ctx.font = '10px system-ui, sans-serif';
    ctx.lineWidth = 1;
    const places = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    for (let lon = Math.ceil(bounds.getWest() / step) * step; lon < bounds.getEast(); lon += step) {
      const x = Math.round((lon / 360 + 0.5) * v.scale - v.x0) + 0.5;
      ctx.beginPath(); ctx.moveTo(x, 0); ctx.lineTo(x, v.size.y); ctx.stroke();
      ctx.fillText(`${lon.toFixed(places)}°E`, x + 3, 11);
    }
    for (let lat = Math.ceil(bounds.getSouth() / step) * step; lat < bounds.getNorth(); lat += step) {
      const y = Math.round(this._map.latLngToContainerPoint([lat, bounds.getWest()]).y) + 0.5;
      ctx.beginPath(); ctx.moveTo(0, y); ctx.lineTo(v.size.x, y); ctx.stroke();
      if (y > 24) ctx.fillText(`${lat.toFixed(places)}°N`, v.size.x - 44, y - 3);
    }
  },
  // The doubt about edges: as wide as it is on the ground, where that can be seen.
  bands(ctx, v) {
    ctx.lineJoin = ctx.lineCap = 'round';
    ctx.strokeStyle = palette.band;
    for (const part of D.zones.parts) part.bands.forEach((rings, p) => rings.forEach((runs, r) => {
      const ring = part.shape[p][r];
      let at = 0;
      for (const [metres, edges] of runs) {
        const line = ring.slice(at, at + edges + 1), width = 2 * metres * v.pxPerM;
        at += edges;
        if (width < 3 || line.length < 2) continue;
        ctx.lineWidth = width;
        ctx.beginPath();
        line.forEach((point, i) => { const { x, y } = this._map.latLngToContainerPoint(point); i ? ctx.lineTo(x, y) : ctx.moveTo(x, y); });
        ctx.stroke();
      }
    }));
  },
  drawSingle(ctx, v) {
    const X = (i) => N.x[i] * v.scale - v.x0, Y = (i) => N.y[i] * v.scale - v.y0;
    this.discs(ctx, v, X, Y);
    this.links(ctx, v, X, Y);
    const order = this.seen.slice().sort((a, b) => this.rank(a) - this.rank(b));
    this.hits = order.map((i) => {
      const big = D.nodes.role[i] & (FACILITY | MAYBE_FACILITY), r = big ? 6 : 4;
      mark(ctx, lookOf(N.verdict[i]), X(i), Y(i), r);
      return { x: X(i), y: Y(i), r, node: i };
    });
  },
  rank: (i) => (NOT_JUDGED - N.verdict[i]) * 2 + (D.nodes.role[i] & FACILITY ? 1 : 0),
  discs(ctx, v, X, Y) {
    let drawn = 0;
    ctx.fillStyle = palette.disc;
    ctx.strokeStyle = palette['disc-line'];
    ctx.lineWidth = 1;
    for (const i of this.seen) {
      const r = D.nodes.radius[i] * v.pxPerM;
      if (!(r > 8) || ++drawn > MOST_DISCS) continue;
      ctx.beginPath();
      ctx.arc(X(i), Y(i), r, 0, 7);
      if (r < 3000) ctx.fill();
      ctx.stroke();
      const stated = (D.nodes.radius[i] - D.unknown_datum_m) * v.pxPerM;
      if (D.nodes.unsure[i] && stated > 8) { // the inner circle: without the doubt about the datum
        ctx.setLineDash([3, 3]);
        ctx.beginPath(); ctx.arc(X(i), Y(i), stated, 0, 7); ctx.stroke();
        ctx.setLineDash([]);
      }
    }
  },
  links(ctx, v, X, Y) {
    const { tail, head } = D.links, inView = new Uint8Array(N.count);
    for (const i of this.seen) inView[i] = 1;
    ctx.strokeStyle = palette.link;
    ctx.lineWidth = 1;
    ctx.beginPath();
    let drawn = 0;
    for (let i = 0; i < tail.length && drawn < MOST_LINKS_DRAWN; i++) {
      const a = tail[i], b = head[i];
      if (!(inView[a] || inView[b]) || !N.shown[a] || !N.shown[b] || !hasPlace(a) || !hasPlace(b)) continue;
      ctx.moveTo(X(a), Y(a));
      ctx.lineTo(X(b), Y(b));
      drawn++;
    }
    ctx.stroke();
  },
  // Cells of the world, so that clusters stay where they are while the map moves. The ring shows the shares of
  // the verdicts, none of them too small to be seen; the mark on it is the worst.
  drawClusters(ctx, v) {
    const cells = new Map();
    const add = (x, y, look, count, node) => {
      const key = Math.floor(x / CELL_PX) * 4194304 + Math.floor(y / CELL_PX);
      let cell = cells.get(key);
      if (!cell) cells.set(key, cell = { x: 0, y: 0, count: 0, shares: [0, 0, 0, 0], node, west: x, east: x, north: y, south: y });
      cell.x += x * count; cell.y += y * count; cell.count += count; cell.shares[look] += count;
      cell.west = Math.min(cell.west, x); cell.east = Math.max(cell.east, x);
      cell.north = Math.min(cell.north, y); cell.south = Math.max(cell.south, y);
    };
    for (const i of this.seen) add(N.x[i] * v.scale, N.y[i] * v.scale, lookOf(N.verdict[i]), 1, i);
    if (!filtered) for (const [west, south, count] of D.cells) {
      const p = this._map.project([(south + 0.5) / 100, (west + 0.5) / 100], v.zoom);
      const x = p.x - v.x0, y = p.y - v.y0;
      if (x > -30 && y > -30 && x < v.size.x + 30 && y < v.size.y + 30) add(p.x, p.y, 2, count, -1);
    }
    for (const cell of cells.values()) cell.look = cell.shares.findIndex((share) => share > 0);
    this.hits = [...cells.values()].sort((a, b) => b.look - a.look).map((cell) => {
      const x = cell.x / cell.count - v.x0, y = cell.y / cell.count - v.y0;
      if (cell.count === 1 && cell.node >= 0) { mark(ctx, cell.look, x, y, 5); return { x, y, r: 6, node: cell.node }; }
      const r = 11 + 2.6 * Math.log10(cell.count);
      this.cluster(ctx, cell, x, y, r);
      return { x, y, r, cell };
    });
  },
  cluster(ctx, cell, x, y, r) {
    ctx.beginPath(); ctx.arc(x, y, r, 0, 7);
    ctx.fillStyle = palette.sheet; ctx.fill();
    const least = 0.09, parts = cell.shares.map((share) => (share ? Math.max(share / cell.count, least) : 0)), sum = parts.reduce((a, b) => a + b);
    let from = -Math.PI / 2;
    ctx.lineWidth = 5;
    parts.forEach((part, look) => {
      if (!part) return;
      const to = from + part / sum * 2 * Math.PI;
      ctx.beginPath(); ctx.arc(x, y, r - 1, from, to);
      ctx.strokeStyle = palette[look === 3 ? 'none-fill' : `${LOOKS[look]}-fill`]; ctx.stroke();
      from = to;
    });
    ctx.beginPath(); ctx.arc(x, y, r + 1.8, 0, 7);
    ctx.strokeStyle = palette.ink; ctx.lineWidth = 0.8; ctx.stroke();
    ctx.fillStyle = palette.ink;
    ctx.font = '600 11px system-ui, sans-serif';
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    ctx.fillText(short(cell.count), x, y + 0.5);
    ctx.textAlign = 'start';
    ctx.textBaseline = 'alphabetic';
    mark(ctx, cell.look, x + r * 0.72, y - r * 0.72, 5);
  },
  at(point) {
    let best = null, near = 1e9;
    const all = [];
    for (const hit of this.hits || []) {
      const d = Math.hypot(hit.x - point.x, hit.y - point.y) - hit.r;
      if (d <= 5) all.push(hit);
      if (d <= 5 && d <= near) { near = d; best = hit; }
    }
    return best && { ...best, nodes: all.filter((hit) => hit.node >= 0).map((hit) => hit.node).reverse() };
  },
  // The path that is chosen: from the subject to the end; dashes run that way, unless motion is unwanted.
  drawPath(time) {
    const ctx = this.fit(this.over), v = this.look();
    const placed = chosen.path.filter(hasPlace), nodes = placed.length ? placed : [chosen.node, ...chosen.nodes, ...chosen.named].filter(hasPlace);
    if (!nodes.length) return;
    const points = nodes.map((i) => [N.x[i] * v.scale - v.x0, N.y[i] * v.scale - v.y0]);
    if (placed.length > 1) {
      ctx.globalAlpha = 0.55; // what is not on the path steps back
      ctx.fillStyle = palette['map-ground'];
      ctx.fillRect(0, 0, v.size.x, v.size.y);
      ctx.globalAlpha = 1;
      this.stroke(ctx, points, time);
    }
    nodes.forEach((i, at) => {
      const [x, y] = points[at];
      ctx.beginPath(); ctx.arc(x, y, 10, 0, 7);
      ctx.strokeStyle = palette['path-halo']; ctx.lineWidth = 5; ctx.stroke();
      ctx.strokeStyle = palette.path; ctx.lineWidth = 2; ctx.stroke();
      mark(ctx, lookOf(N.verdict[i]), x, y, 5);
    });
    this.labels(ctx, nodes, points, v);
  },
  stroke(ctx, points, time) {
    const line = () => { ctx.beginPath(); points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y))); };
    ctx.lineJoin = ctx.lineCap = 'round';
    ctx.strokeStyle = palette['path-halo']; ctx.lineWidth = 8; line(); ctx.stroke();
    ctx.strokeStyle = palette.path; ctx.lineWidth = 3;
    if (!calm.matches) { ctx.setLineDash([11, 7]); ctx.lineDashOffset = -time / 45 % 18; }
    line(); ctx.stroke();
    ctx.setLineDash([]);
    points.slice(1).forEach(([x, y], i) => { // an arrow in the middle of each hop
      const [px, py] = points[i], far = Math.hypot(x - px, y - py);
      if (far < 26) return;
      const a = Math.atan2(y - py, x - px), mx = (x + px) / 2, my = (y + py) / 2;
      ctx.beginPath();
      ctx.moveTo(mx + 8 * Math.cos(a), my + 8 * Math.sin(a));
      ctx.lineTo(mx + 7 * Math.cos(a + 2.5), my + 7 * Math.sin(a + 2.5));
      ctx.lineTo(mx + 7 * Math.cos(a - 2.5), my + 7 * Math.sin(a - 2.5));
      ctx.closePath();
      ctx.fillStyle = palette.path; ctx.fill();
    });
  },
  // Names along the path, where they do not run into one another; the ends first.
  labels(ctx, nodes, points, v) {
    const taken = [], order = [...new Set([0, nodes.length - 1, ...nodes.keys()])];
    ctx.font = '600 12px system-ui, sans-serif';
    for (const at of order) {
      const name = nodeName(nodes[at]), label = name.length > 34 ? `${name.slice(0, 33)}…` : name, width = ctx.measureText(label).width;
      const [x, y] = points[at];
      const spots = [[x + 14, y + 4], [x - 14 - width, y + 4], [x - width / 2, y - 16], [x - width / 2, y + 26]];
      const spot = spots.find(([left, base]) => left > 2 && left + width < v.size.x - 2 && base > 14 && base < v.size.y - 4
        && !taken.some((t) => left < t[0] + t[2] + 4 && left + width + 4 > t[0] && Math.abs(base - t[1]) < 15));
      if (!spot) continue;
      taken.push([spot[0], spot[1], width]);
      ctx.lineWidth = 4; ctx.lineJoin = 'round';
      ctx.strokeStyle = palette['map-ground']; ctx.strokeText(label, ...spot);
      ctx.fillStyle = palette.ink; ctx.fillText(label, ...spot);
    }
  },
  animate() {
    cancelAnimationFrame(this._run);
    if (chosen.path.filter(hasPlace).length < 2 || calm.matches) { this.drawPath(0); return; }
    const step = (time) => {
      if (!document.hidden && !$('panel-map').hidden) this.drawPath(time);
      this._run = requestAnimationFrame(step);
    };
    this._run = requestAnimationFrame(step);
  },
});
