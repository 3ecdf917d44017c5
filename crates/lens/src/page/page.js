'use strict';
// Texts by language; data comes packed in the page. Nothing here asks the network for anything.
const TEXTS = {
  en: { source: 'Source', bytecode: 'Bytecode', heap: 'Heap by address', heapNote: 'A row is a block of memory, time goes to the right. Bars one behind the other in a row: objects that had the same id in turn.', object: 'Object', lives: 'Lives', graph: 'Who holds it when the program is over', output: 'Output', answer: 'Answer', frame: 'Variables and value stack of the frame that runs', frameTable: ['name', 'object', 'count'], stack: 'stack', counts: 'count', runs: 'runs', keys: 'Keys', close: 'Close', searchLabel: 'Search', first: 'First event', last: 'Last event', back: 'Event before', forward: 'Next event', tenantBefore: 'Tenant before at this address', tenantAfter: 'Next tenant of this address', born: 'born', died: 'died', birth: 'birth of', death: 'death of', alive: 'alive when the process ended', line: 'line', size: 'bytes', address: 'address', heldBy: 'held by', next: 'next tenant', previous: 'previous tenant', none: 'none', buffer: 'buffer', step: 'step', of: 'of', event: 'event', nothing: 'Nothing found', choose: 'Choose an object.', cut: 'Only the first part of the recording is shown.', totals: (s, n) => `${s} steps · ${n} lives shown`, notHeld: 'It is not alive when the program is over, or only the running machine holds it.', reprTable: ['object', 'type', 'address', 'born', 'held by', 'died'], keyList: [['j k', 'next, previous event'], ['J K', 'next, previous line'], ['n p', 'next, previous event of the object'], ['[ ]', 'previous, next tenant of the address'], ['/', 'search: #number, address, type, variable, file:line'], ['g', 'go to a step'], ['?', 'this help']], goTo: 'Step?' },
  zh: { source: '源代码', bytecode: '字节码', heap: '按地址看内存', heapNote: '每一行是一个内存块,时间向右。同一行里前后相接的横条:先后使用同一个 id 的对象。', object: '对象', lives: '生命', graph: '程序结束时谁持有它', output: '输出', answer: '回答', frame: '当前栈帧的变量和值栈', frameTable: ['名称', '对象', '引用计数'], stack: '值栈', counts: '引用计数', runs: '执行', keys: '按键', close: '关闭', searchLabel: '搜索', first: '第一个事件', last: '最后一个事件', back: '上一个事件', forward: '下一个事件', tenantBefore: '这个地址的上一任住户', tenantAfter: '这个地址的下一任住户', born: '诞生', died: '消亡', birth: '诞生:', death: '消亡:', alive: '进程结束时仍然存活', line: '行', size: '字节', address: '地址', heldBy: '持有者', next: '下一任住户', previous: '上一任住户', none: '无', buffer: '缓冲区', step: '步', of: '/', event: '事件', nothing: '没有找到', choose: '请选择一个对象。', cut: '只显示录制的前一部分。', totals: (s, n) => `${s} 步 · 显示 ${n} 个生命`, notHeld: '程序结束时它已不存在,或只由正在运行的机器持有。', reprTable: ['对象', '类型', '地址', '诞生', '持有者', '消亡'], keyList: [['j k', '下一个、上一个事件'], ['J K', '下一行、上一行'], ['n p', '该对象的下一个、上一个事件'], ['[ ]', '该地址的上一任、下一任住户'], ['/', '搜索:#编号、地址、类型、变量、文件:行'], ['g', '跳到某一步'], ['?', '本帮助']], goTo: '第几步?' },
};
const $ = (id) => document.getElementById(id);
let D, L = [], bySerial = new Map(), events = [], now = 0, picked = -1, lang = 'en', rows = [], rowOf = new Map(), holders = new Map(), heldNames = new Map();
// Of recordings with counts: objects that are not shown by name, codes of frames, changes of each object's count.
const others = new Map(), frameCode = new Map(), countsOf = new Map();
const t = (k) => TEXTS[lang][k];
const el = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };

async function load() {
  const packed = Uint8Array.from(atob($('data').textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  D = JSON.parse(await new Response(stream).text());
  const sum = (a) => { let v = 0; for (let i = 0; i < a.length; i++) a[i] = v += a[i]; };
  const columns = ['serial', 'type', 'address', 'before', 'size', 'born', 'bornAt', 'bornBy', 'bornOrder', 'died', 'diedAt', 'diedOrder', 'next', 'previous', 'mine', 'end'];
  columns.forEach((c) => sum(D[c]));
  for (let i = 0; i < D.serial.length; i++) {
    const l = { i };
    for (const c of columns) l[c] = D[c][i];
    L.push(l);
    bySerial.set(l.serial, l);
    if (l.mine) {
      events.push({ order: l.bornOrder, step: l.born, site: l.bornAt, life: l, birth: true });
      if (l.diedOrder >= 0 && l.died >= 0) events.push({ order: l.diedOrder, step: l.died, site: l.diedAt, life: l, birth: false });
    }
  }
  D.prints.forEach(([order, step, site, text], i) => events.push({ order, step, site, print: i, text }));
  ['changeKind', 'changeOf', 'changeTo', 'changeOrder', 'changeStep', 'changeAt', 'changeFrame'].forEach((c) => sum(D[c]));
  D.changeKind.forEach((kind, i) => { if (kind === 0) events.push({ order: D.changeOrder[i], step: D.changeStep[i], site: D.changeAt[i], runs: true }); });
  for (const [s, name] of D.others) others.set(s, name);
  for (const [frame, code] of D.frames) frameCode.set(frame, code);
  D.changeKind.forEach((kind, i) => { if (kind === 1) { if (!countsOf.has(D.changeOf[i])) countsOf.set(D.changeOf[i], []); countsOf.get(D.changeOf[i]).push(i); } });
  $('frameBox').hidden = !D.changeKind.length;
  events.sort((a, b) => a.order - b.order);
  for (const [s, h] of D.holders) holders.set(s, h);
  for (const [s, n] of D.held) heldNames.set(s, n);
  const seen = new Map();
  for (const l of L) {
    const block = l.address - l.before;
    if (!seen.has(block)) seen.set(block, []);
    seen.get(block).push(l);
  }
  rows = [...seen.entries()].sort((a, b) => a[0] - b[0]).map(([block, lives]) => ({ block, lives }));
  rows.forEach((r, i) => r.lives.forEach((l) => rowOf.set(l.serial, i)));
  lang = (navigator.language || 'en').startsWith('zh') ? 'zh' : 'en';
  bind();
  setLang(lang);
  const printed = new Set();
  for (const p of D.prints.slice(0, 200)) for (const m of p[3].matchAll(ADDRESS)) printed.add(Number(m[0]));
  const first = events.findIndex((e) => e.life && printed.has(e.life.address));
  go(first < 0 ? 0 : first);
  document.body.dataset.ready = '1';
}

// What may be an address in what the program printed.
const ADDRESS = /0x[0-9a-f]{6,}|\d{7,}/g;
// The lives at an address, in order.
let byAddress = null;
function livesAt(address) {
  if (!byAddress) { byAddress = new Map(); for (const l of L) { if (!byAddress.has(l.address)) byAddress.set(l.address, []); byAddress.get(l.address).push(l); } }
  return byAddress.get(address) || [];
}
const hex = (a) => '0x' + a.toString(16);
const typeOf = (l) => (l.type ? D.types[l.type] : t('buffer'));
const nameOf = (l) => `${typeOf(l)} #${l.serial}`;
const siteText = (s, by) => { const x = D.sites[s]; if (!x || !x[0]) return ''; const c = D.codes[x[0]]; const op = (c[3].find((r) => r[0] === x[1]) || [0, 0, ''])[2].split(' ')[0]; return `${t('line')} ${x[2]} ${op} ${by ? D.names[by] : ''}`.trim(); };
const causeOf = (l) => (l.end < 0 ? t('alive') : D.causes[l.end][lang === 'zh' ? 1 : 0]);

function setLang(to) {
  lang = to;
  document.documentElement.lang = to;
  document.querySelectorAll('[data-t]').forEach((e) => {
    const text = t(e.dataset.t);
    if (e.closest('nav')) { e.title = text; e.setAttribute('aria-label', text); } else e.textContent = text;
  });
  document.querySelectorAll('#lang button').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.lang === to)));
  $('help').setAttribute('aria-label', t('keys'));
  $('totals').textContent = t('totals')(D.steps, L.length) + (D.cut ? ' · ' + t('cut') : '');
  $('answer').textContent = D.answer[to === 'zh' ? 1 : 0];
  const keys = $('keyTable').tBodies[0];
  keys.replaceChildren(...t('keyList').map(([k, v]) => { const r = el('tr'); r.append(el('td', k), el('td', v)); return r; }));
  drawLives();
  if (events.length) show();
}

function go(n) { now = Math.max(0, Math.min(events.length - 1, n)); const e = events[now]; if (e && e.life) picked = e.life.serial; show(); }
function show() {
  const e = events[now];
  if (!e) { $('said').textContent = t('nothing'); return; }
  $('where').textContent = `${t('event')} ${now + 1} ${t('of')} ${events.length} · ${t('step')} ${e.step}`;
  const site = D.sites[e.site] || [0, 0, 0];
  const what = e.life ? `${t(e.birth ? 'birth' : 'death')} ${nameOf(e.life)}` + (e.birth ? '' : ` – ${causeOf(e.life)}`) : e.runs ? `${t('runs')} ${opAt(e.site)}` : `print: ${e.text.trim()}`;
  $('said').textContent = `${t('step')} ${e.step}, ${t('line')} ${site[2]}: ${what}`;
  drawSource(site); drawCode(site); drawFrame(e); drawHeap(); drawCard(); drawGraph(); drawOutput(); markLives();
}

let sourceShown = null;
function drawSource(site) {
  const code = D.codes[site[0]];
  const file = code ? code[1] : (D.sources[0] || [''])[0];
  const body = $('source').tBodies[0];
  if (sourceShown !== file) {
    sourceShown = file;
    const born = new Map(), died = new Map();
    for (const l of L) { if (!l.mine) continue; const b = D.sites[l.bornAt]; if (b && D.codes[b[0]] && D.codes[b[0]][1] === file) born.set(b[2], (born.get(b[2]) || 0) + 1); const d = D.sites[l.diedAt]; if (l.died >= 0 && d && D.codes[d[0]] && D.codes[d[0]][1] === file) died.set(d[2], (died.get(d[2]) || 0) + 1); }
    const text = (D.sources.find((s) => s[0] === file) || ['', ''])[1].split('\n');
    body.replaceChildren(...text.map((line, i) => { const r = el('tr'); r.dataset.line = i + 1; const mark = (born.get(i + 1) ? `✚${born.get(i + 1)} ` : '') + (died.get(i + 1) ? `†${died.get(i + 1)}` : ''); r.append(el('td', String(i + 1), 'n'), el('td', line), el('td', mark, 'n')); return r; }));
  }
  for (const r of body.rows) r.classList.toggle('here', Number(r.dataset.line) === site[2]);
  const here = body.querySelector('.here'); if (here) keep(here);
}
function keep(row) { const box = row.closest('.scroll'); if (box) { const top = row.offsetTop - box.clientHeight / 2; box.scrollTop = top; } }
function drawCode(site) {
  const code = D.codes[site[0]];
  const body = $('code').tBodies[0];
  const births = new Map(), deaths = new Map();
  const e = events[now];
  if (e && e.life) (e.birth ? births : deaths).set(site[1], e.life);
  body.replaceChildren(...(code ? code[3] : []).map(([offset, line, text]) => { const r = el('tr'); if (offset === site[1]) r.className = 'here'; const mark = births.has(offset) ? `✚ ${nameOf(births.get(offset))}` : deaths.has(offset) ? `† ${nameOf(deaths.get(offset))}` : ''; r.append(el('td', line ? String(line) : '', 'n'), el('td', String(offset), 'n'), el('td', text), el('td', mark)); return r; }));
  const here = body.querySelector('.here'); if (here) keep(here);
}

const opAt = (s) => { const x = D.sites[s], c = x && D.codes[x[0]]; return c ? (c[3].find((r) => r[0] === x[1]) || [0, 0, ''])[2] : ''; };
// The first change that comes after an event: what is before it has happened.
function changesUntil(order) { let a = 0, b = D.changeOrder.length; while (a < b) { const m = (a + b) >> 1; if (D.changeOrder[m] <= order) a = m + 1; else b = m; } return a; }
function countAt(serial, order) { let n = ''; for (const i of countsOf.get(serial) || []) { if (D.changeOrder[i] > order) break; n = D.changeTo[i]; } return n; }
function drawFrame(e) {
  if (!D.changeKind.length) return;
  // What a step changed is told before the next one: the registers are those when the instruction begins.
  let end = changesUntil(e.order);
  while (e.runs && end < D.changeKind.length && D.changeKind[end] !== 0) end++;
  const last = end - 1, frame = last >= 0 ? D.changeFrame[last] : 0, slots = new Map();
  for (let i = 0; i < end; i++) if (D.changeKind[i] === 2 && D.changeFrame[i] === frame) { if (D.changeOf[i]) slots.set(D.changeTo[i], D.changeOf[i]); else slots.delete(D.changeTo[i]); }
  const names = D.registers[frameCode.get(frame)] || [], order = last >= 0 ? D.changeOrder[last] : 0;
  const head = el('tr'); t('frameTable').forEach((h) => { const th = el('th', h); th.scope = 'col'; head.append(th); }); $('frame').tHead.replaceChildren(head);
  $('frame').tBodies[0].replaceChildren(...[...slots.entries()].sort((a, b) => a[0] - b[0]).map(([slot, serial]) => { const r = el('tr'), d = el('td'); d.append(bySerial.has(serial) ? link(serial) : el('span', others.get(serial) || '#' + serial)); r.append(el('td', slot < names.length ? names[slot] : `${t('stack')} ${slot - names.length + 1}`), d, el('td', String(countAt(serial, order)))); if (serial === picked) r.className = 'pick'; return r; }));
}

const ROW = 16, LABEL = 92;
let heapRows = [];
function drawHeap() {
  const canvas = $('heap'), box = canvas.parentElement;
  const width = Math.max(320, box.clientWidth - 4);
  // The rows around the chosen object: those with more than one tenant first.
  const at = rowOf.has(picked) ? rowOf.get(picked) : 0;
  const from = Math.max(0, Math.min(at - 8, rows.length - 17));
  heapRows = rows.slice(from, from + 17);
  const scale = window.devicePixelRatio || 1;
  const height = heapRows.length * ROW + 4;
  canvas.width = width * scale; canvas.height = height * scale; canvas.style.width = width + 'px'; canvas.style.height = height + 'px';
  const g = canvas.getContext('2d'); g.scale(scale, scale);
  const style = getComputedStyle(document.documentElement), c = (n) => style.getPropertyValue(n).trim();
  let end = 1, start = Infinity;
  for (const r of heapRows) for (const l of r.lives) { end = Math.max(end, l.bornOrder, l.diedOrder); start = Math.min(start, l.bornOrder); }
  const x = (o) => LABEL + (o - start) / Math.max(1, end - start) * (width - LABEL - 8);
  g.font = '11px ui-monospace, monospace'; g.textBaseline = 'middle';
  heapRows.forEach((r, i) => {
    const y = i * ROW + 2;
    g.fillStyle = c('--soft'); g.fillText('…' + (r.block & 0xfffff).toString(16).padStart(5, '0'), 2, y + ROW / 2);
    // Bars that would fall on a pixel that has one already are left out, but not the chosen one.
    let drawn = -1;
    for (const l of r.lives) {
      if (x(l.bornOrder) < drawn - 1 && l.serial !== picked) continue;
      const a = x(l.bornOrder), b = l.diedOrder < 0 ? width - 8 : x(l.diedOrder), w = Math.max(2, b - a - 1);
      g.fillStyle = l.type ? (l.end < 0 ? c('--live') : c('--dead')) : c('--buffer');
      g.globalAlpha = l.mine || !l.type ? 1 : 0.45;
      g.fillRect(a, y + 2, w, ROW - 5);
      g.globalAlpha = 1; drawn = a + w;
      if (!l.type) { g.strokeStyle = c('--panel'); for (let k = a; k < a + w; k += 5) { g.beginPath(); g.moveTo(k, y + ROW - 4); g.lineTo(k + 4, y + 3); g.stroke(); } }
      if (l.serial === picked) { g.strokeStyle = c('--pick'); g.lineWidth = 2; g.strokeRect(a - 1, y + 1, w + 2, ROW - 3); g.lineWidth = 1; }
      if (w > 34) { g.fillStyle = c('--bg'); g.fillText(String(l.serial), a + 3, y + ROW / 2); }
    }
  });
  const e = events[now]; if (e) { const nx = x(Math.max(start, Math.min(end, e.order))); g.strokeStyle = c('--pick'); g.beginPath(); g.moveTo(nx, 0); g.lineTo(nx, height); g.stroke(); }
  canvas.onclick = (ev) => { const r = heapRows[Math.floor(ev.offsetY / ROW)]; if (!r) return; let best = null, d = 1e9; for (const l of r.lives) { const a = x(l.bornOrder), b = l.diedOrder < 0 ? width : x(l.diedOrder); const far = ev.offsetX < a ? a - ev.offsetX : ev.offsetX > b ? ev.offsetX - b : 0; if (far < d) { d = far; best = l; } } if (best) pick(best.serial); };
  canvas.setAttribute('role', 'img'); canvas.setAttribute('aria-label', t('heap') + ': ' + heapRows.map((r) => `${hex(r.block)} ${r.lives.length}`).slice(0, 5).join(', '));
}

function link(serial) { const l = bySerial.get(serial); if (!l) return el('span', serial ? '#' + serial : t('none')); const b = el('button', nameOf(l), 'link'); b.onclick = () => pick(serial); return b; }
function drawCard() {
  const l = bySerial.get(picked), card = $('card');
  if (!l) { card.replaceChildren(el('p', t('choose'))); return; }
  const dl = el('dl'), row = (k, v) => { dl.append(el('dt', k)); const d = el('dd'); d.append(v); dl.append(d); };
  card.replaceChildren(el('strong', nameOf(l)), dl);
  row(t('address'), `${hex(l.address)} (${l.address})`); row(t('size'), String(l.size)); row(t('born'), siteText(l.bornAt, l.bornBy) || '–');
  const held = heldNames.get(l.serial); if (held) row(t('heldBy'), held);
  const counts = (countsOf.get(l.serial) || []).map((i) => D.changeTo[i]);
  if (counts.length) row(t('counts'), counts.slice(0, 40).join(' ') + (counts.length > 40 ? ' …' : '') + (l.died >= 0 ? ' 0' : ''));
  row(t('died'), causeOf(l)); row(t('previous'), link(l.previous)); row(t('next'), link(l.next));
}

function drawGraph() {
  const box = $('graph');
  box.replaceChildren();
  if (!holders.has(picked)) { box.append(el('p', bySerial.has(picked) ? t('notHeld') : t('choose'), 'note')); return; }
  // Holders of the object, and theirs, in layers, at most 60.
  const layers = [[{ id: picked, label: nameOf(bySerial.get(picked)) }]], seen = new Set([picked]), edges = [];
  let count = 1;
  while (count < 60 && layers.length < 6) {
    const next = [];
    for (const node of layers[layers.length - 1]) for (const [owner, en, zh] of (node.id > 0 ? holders.get(node.id) : []) || []) {
      if (count >= 60) break;
      const id = owner || -(++count), label = lang === 'zh' ? zh : en;
      if (owner && seen.has(owner)) { edges.push([node.id, owner, label]); continue; }
      seen.add(id); count++;
      const n = { id, label: owner && bySerial.has(owner) ? nameOf(bySerial.get(owner)) : label };
      next.push(n); edges.push([node.id, id, label]);
    }
    if (!next.length) break;
    layers.push(next);
  }
  const NS = 'http://www.w3.org/2000/svg', svg = document.createElementNS(NS, 'svg'), at = new Map();
  const W = 420, H = 46;
  layers.forEach((layer, y) => layer.forEach((n, i) => at.set(n.id, { x: (i + 0.5) * W / layer.length, y: 20 + y * H, w: Math.min(W / layer.length - 6, 170), n })));
  svg.setAttribute('viewBox', `0 0 ${W} ${20 + layers.length * H}`); svg.setAttribute('role', 'img'); svg.setAttribute('aria-label', edges.map((e) => e[2]).join('; '));
  for (const [a, b] of edges) { const p = at.get(a), q = at.get(b); if (!p || !q) continue; const path = document.createElementNS(NS, 'path'); path.setAttribute('d', `M${p.x} ${p.y + 11} C${p.x} ${p.y + 28} ${q.x} ${q.y - 28} ${q.x} ${q.y - 11}`); svg.append(path); }
  for (const { x, y, w, n } of at.values()) {
    const g = document.createElementNS(NS, 'g'), r = document.createElementNS(NS, 'rect'), s = document.createElementNS(NS, 'text'), title = document.createElementNS(NS, 'title');
    if (n.id === picked) g.setAttribute('class', 'pick');
    r.setAttribute('x', x - w / 2); r.setAttribute('y', y - 11); r.setAttribute('width', w); r.setAttribute('height', 22); r.setAttribute('rx', 4);
    s.setAttribute('x', x); s.setAttribute('y', y + 4); s.setAttribute('text-anchor', 'middle');
    const room = Math.max(3, Math.floor(w / 7.4)); s.textContent = n.label.length > room ? n.label.slice(0, room - 1) + '…' : n.label; title.textContent = n.label;
    g.append(title, r, s); if (n.id > 0 && bySerial.has(n.id)) { g.style.cursor = 'pointer'; g.addEventListener('click', () => pick(n.id)); }
    svg.append(g);
  }
  box.append(svg);
}

function drawOutput() {
  const box = $('output'), order = events[now] ? events[now].order : 0, parts = [];
  D.prints.slice(0, 1000).forEach(([o, , , text]) => {
    const span = el('span'); if (o > order) span.className = 'later';
    let last = 0;
    for (const m of text.matchAll(ADDRESS)) {
      const address = Number(m[0]);
      const at = livesAt(address); let i = at.length - 1; while (i >= 0 && at[i].bornOrder > o) i--; const l = at[i];
      if (!l) continue;
      span.append(text.slice(last, m.index)); const b = el('button', m[0]); b.title = nameOf(l); b.onclick = () => pick(l.serial); span.append(b); last = m.index + m[0].length;
    }
    span.append(text.slice(last)); parts.push(span);
  });
  box.replaceChildren(...parts);
}

const LIVES_SHOWN = 400;
function drawLives() {
  const head = $('lives').tHead, body = $('lives').tBodies[0];
  const r = el('tr'); t('reprTable').forEach((h) => { const th = el('th', h); th.scope = 'col'; r.append(th); }); head.replaceChildren(r);
  const mine = L.filter((l) => l.mine && l.type).slice(0, LIVES_SHOWN);
  body.replaceChildren(...mine.map((l) => { const row = el('tr'); row.dataset.i = l.serial; row.tabIndex = 0; row.append(el('td', '#' + l.serial), el('td', typeOf(l)), el('td', '…' + (l.address & 0xfffff).toString(16).padStart(5, '0')), el('td', siteText(l.bornAt, l.bornBy)), el('td', heldNames.get(l.serial) || ''), el('td', causeOf(l))); row.onclick = () => pick(l.serial); row.onkeydown = (e) => { if (e.key === 'Enter') pick(l.serial); }; return row; }));
}
function markLives() { for (const r of $('lives').tBodies[0].rows) r.classList.toggle('pick', Number(r.dataset.i) === picked); const p = $('lives').querySelector('.pick'); if (p) keep(p); }

function pick(serial) { picked = serial; const i = events.findIndex((e) => e.life && e.life.serial === serial); if (i >= 0) now = i; show(); }
function tenant(way) { const l = bySerial.get(picked); if (!l) return; const to = bySerial.get(way > 0 ? l.next : l.previous); if (to) { picked = to.serial; const i = events.findIndex((e) => e.life && e.life.serial === to.serial); if (i >= 0) now = i; show(); } }
function ofObject(way) { for (let i = now + way; i >= 0 && i < events.length; i += way) if (events[i].life && events[i].life.serial === picked) return go(i); }
function byLine(way) { const line = (D.sites[events[now].site] || [])[2]; for (let i = now + way; i >= 0 && i < events.length; i += way) if ((D.sites[events[i].site] || [])[2] !== line) return go(i); }
function search(text) {
  const q = text.trim(); if (!q) return;
  let l;
  if (q[0] === '#') l = bySerial.get(Number(q.slice(1)));
  if (!l && /^(0x)?[0-9a-f]+$/i.test(q)) { const h = q.replace(/^0x/i, '').toLowerCase(); l = L.find((l) => String(l.address) === q || (h.length > 2 && l.address.toString(16).endsWith(h))); }
  if (!l) { const m = q.match(/^(.*):(\d+)$/); if (m) { const i = events.findIndex((e) => (D.sites[e.site] || [])[2] === Number(m[2]) && (!m[1] || (D.codes[D.sites[e.site][0]] || ['', ''])[1].endsWith(m[1]))); if (i >= 0) return go(i); } }
  if (!l) l = L.find((l) => l.mine && l.type && D.types[l.type] === q) || L.find((l) => (heldNames.get(l.serial) || '').split('@')[0] === q);
  if (l) pick(l.serial); else $('said').textContent = t('nothing');
}

function bind() {
  $('first').onclick = () => go(0); $('last').onclick = () => go(events.length - 1); $('back').onclick = () => go(now - 1); $('forward').onclick = () => go(now + 1);
  $('before').onclick = () => tenant(-1); $('after').onclick = () => tenant(1);
  $('find').onsubmit = (e) => { e.preventDefault(); search($('query').value); };
  document.querySelectorAll('#lang button').forEach((b) => { b.onclick = () => setLang(b.dataset.lang); });
  $('help').onclick = () => $('keys').showModal();
  window.addEventListener('resize', drawHeap);
  document.addEventListener('keydown', (e) => {
    if (e.target.tagName === 'INPUT' || e.ctrlKey || e.metaKey || e.altKey || $('keys').open) return;
    const act = { j: () => go(now + 1), k: () => go(now - 1), J: () => byLine(1), K: () => byLine(-1), n: () => ofObject(1), p: () => ofObject(-1), '[': () => tenant(-1), ']': () => tenant(1), '/': () => $('query').focus(), '?': () => $('keys').showModal(), g: () => { const s = Number(prompt(t('goTo'))); const i = events.findIndex((x) => x.step >= s); if (i >= 0) go(i); } }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
}
load().catch((e) => { $('said').textContent = String(e); });
