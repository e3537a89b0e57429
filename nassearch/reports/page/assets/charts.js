// Pictures: drawn from the data of the page, in the colours of its style, again whenever a control or the theme changes.
const data = JSON.parse(document.getElementById("data").textContent);
const DASHES = ["solid", "dash", "dot", "dashdot"];
const CONFIG = { displaylogo: false, responsive: true, plotlyServerURL: "", typesetMath: false,
  // Named, since among the others is one that sends data away.
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
  toImageButtonOptions: { format: "svg", filename: "nassearch" } };
const redraws = new Map(); // of the pictures that are drawn
const waiting = new Map(); // of those that nobody has come near to yet

// Eight colours, then the same with other dashes; neighbours differ in both.
const dashOf = (i) => DASHES[(i + Math.floor(i / 8)) % 4];

// Names come from files. The library reads some markup in texts, so none is left in them.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { paper: of("paper"), text: of("text"), soft: of("soft"), grid: of("grid"), rule: of("rule"), idle: of("idle"), raised: of("raised"),
    lines: Array.from({ length: 8 }, (_, i) => of(`line${i}`)) };
}

const faint = (colour) => `rgba(${[1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)).join(",")},0.16)`;

function layout(look, x, y, more = {}) {
  const axis = (title) => ({ title: { text: plain(title), font: { size: 13 } }, gridcolor: look.grid, linecolor: look.rule, zeroline: false,
    ticks: "outside", tickcolor: look.rule, automargin: true,
    exponentformat: "e" /* powers need markup, whose style the policy refuses */ });
  return { paper_bgcolor: look.paper, plot_bgcolor: look.paper, font: { color: look.text, size: 12, family: "system-ui, Segoe UI, Roboto, Arial, sans-serif" },
    margin: { l: 56, r: 12, t: 14, b: 48 }, showlegend: false, hoverlabel: { bgcolor: look.raised, bordercolor: look.rule, font: { color: look.text }, align: "left", namelength: -1 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: look.soft, activecolor: look.text },
    xaxis: { ...axis(x), ...more.xaxis }, yaxis: { ...axis(y), ...more.yaxis }, hovermode: more.hovermode || "closest", dragmode: "zoom" };
}

function drawn(place, make, then = () => {}) {
  waiting.set(place, () => {
    const draw = () => {
      const { traces, shape } = make(colours());
      Plotly.react(place, traces, shape, CONFIG);
    };
    redraws.set(place, draw);
    draw();
    then();
  });
}

// A picture is drawn when somebody comes near: a page may have hundreds.
function near(place) {
  const first = waiting.get(place);
  waiting.delete(place);
  if (first) first();
}

// The last step at or before a place on the axis, -1 where there is none.
function stepAt(xs, place) {
  let low = 0, high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= place) low = middle + 1; else high = middle;
  }
  return low - 1;
}

// All models of a line, each with the value of the step before it: what is stored are the steps alone.
function expanded(line) {
  if (line.length > 3000) return { x: line.at, low: line.low, median: line.median, high: line.high };
  const found = { x: [], low: [], median: [], high: [] };
  for (let step = 0, model = 1; model <= line.length; model++) {
    if (line.at[step + 1] === model) step++;
    found.x.push(model);
    for (const name of ["low", "median", "high"]) found[name].push(line[name][step]);
  }
  return found;
}

function curves(section, told) {
  const checked = (name) => section.querySelector(`input[name="${section.id}-${name}"]:checked`);
  const view = () => told.views[Number(checked("view")?.value || 0)];
  const axis = () => checked("axis").value;
  const bands = section.querySelector(`input[name="${section.id}-bands"]`);
  const boxes = [...section.querySelectorAll("input[data-line]")];
  const slider = section.querySelector("input[type=range]"), output = section.querySelector("output");
  const place = section.querySelector('[data-plot="curves"]');
  const lineOf = (each) => each[axis() === "distinct" ? "distinct" : "models"];
  const xsOf = (line) => (axis() === "seconds" ? line.seconds : line.at);
  const longest = () => Math.max(...view().lines.map((each) => (axis() === "seconds" ? lineOf(each).seconds.at(-1) : lineOf(each).length)));
  const digits = () => view().quantity.decimals;
  const write = (value) => (value === null || value === undefined ? "-" : value.toFixed(digits()));

  let pointed = null;
  boxes.forEach((box, i) => {
    const point = (to) => () => { if (pointed !== to) { pointed = to; redraws.get(place)?.(); } };
    const row = box.closest("tr");
    row.addEventListener("mouseenter", point(i));
    row.addEventListener("mouseleave", point(null));
  });

  const make = (look) => {
    const traces = [], areas = []; // lines stand before all areas
    let all = [];
    view().lines.forEach((each, i) => {
      const line = lineOf(each), on = boxes[i].checked, colour = look.lines[i % 8];
      const full = axis() === "seconds" ? { ...line, x: line.seconds } : expanded(line);
      const start = Math.min(full.x.length - 1, Math.round(Math.max(0.03 * full.x.length, Math.min(8, full.x.length / 4))));
      if (on) all = all.concat(full.low.slice(start), full.high.slice(start), full.median.slice(start));
      const common = { x: full.x, mode: "lines", visible: on, hoverinfo: "skip", connectgaps: false };
      if (bands.checked && !bands.disabled) {
        areas.push({ ...common, y: full.low, line: { width: 0, shape: "hv" } });
        areas.push({ ...common, y: full.high, line: { width: 0, shape: "hv" }, fill: "tonexty", fillcolor: faint(colour) });
      }
      const quartiles = full.x.map((_, k) => `${write(full.median[k])} (${write(full.low[k])} to ${write(full.high[k])})`);
      traces.push({ ...common, y: full.median, name: plain(each.label), meta: { line: i }, text: quartiles, hoverinfo: "all",
        hovertemplate: `${told.several_rounds ? "%{text}" : `%{y:.${digits()}f}`}<extra>%{fullData.name}</extra>`,
        opacity: pointed === null || pointed === i ? 1 : 0.25,
        line: { color: colour, width: pointed === i ? 3.5 : 2, dash: dashOf(i), shape: "hv" } });
    });
    const top = view().best_there_is;
    const known = all.filter((value) => value !== null);
    const yaxis = {};
    if (known.length) {
      const low = Math.min(...known, ...(top === null ? [] : [top])), high = Math.max(...known, ...(top === null ? [] : [top]));
      const margin = 0.05 * (high - low) || 0.5;
      yaxis.range = [low - margin, high + margin];
    }
    const unit = { models: "models trained", distinct: "different models trained", seconds: "seconds of training (median of the rounds)" }[axis()];
    const shape = layout(look, unit, `${view().words} (${view().quantity.unit === "percent" ? "%" : view().quantity.unit})`, { yaxis, hovermode: axis() === "seconds" ? "closest" : "x unified" });
    if (top !== null) {
      shape.shapes = [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: top, y1: top, line: { color: look.soft, width: 1, dash: "dot" } }];
      shape.annotations = [{ xref: "paper", x: 1, xanchor: "right", y: top, yanchor: "bottom", showarrow: false, text: `best there is: ${write(top)}`, font: { size: 11, color: look.soft } }];
    }
    return { traces: [...areas, ...traces], shape };
  };

  const read = () => {
    const end = longest();
    const at = axis() === "seconds" ? (end * slider.value) / 1000 : Math.max(1, Math.round((end * slider.value) / 1000));
    output.textContent = axis() === "seconds" ? `${at.toPrecision(4)} seconds` : `${at} ${axis() === "models" ? "models" : "different models"}`;
    view().lines.forEach((each, i) => {
      const line = lineOf(each), cells = boxes[i].closest("tr").cells;
      const there = axis() === "seconds" ? at <= line.seconds.at(-1) + 1e-9 : at <= line.length;
      const step = there ? stepAt(xsOf(line), at) : -1;
      (told.several_rounds ? ["low", "median", "high"] : ["median"]).forEach((name, k) => {
        const value = step < 0 ? null : line[name][step];
        cells[k + 1].textContent = write(value);
        if (value === null) delete cells[k + 1].dataset.value; else cells[k + 1].dataset.value = String(value);
      });
    });
  };

  section.addEventListener("change", (event) => {
    if (event.target.closest("[data-trainings]")) return;
    const chosen = checked("view")?.value || "0";
    section.querySelectorAll("[data-view]").forEach((each) => { each.hidden = each.dataset.view !== chosen; });
    redraws.get(place)?.();
    read();
  });
  slider.addEventListener("input", read);
  const shortest = Math.min(...view().lines.map((each) => lineOf(each).length));
  slider.value = String(Math.floor((1000 * shortest) / longest()));
  read();
  drawn(place, make, () => {
    place.on("plotly_hover", (event) => {
      slider.value = String(Math.round((1000 * event.points[0].x) / longest()));
      read();
    });
  });
}

function histories(part, told) {
  const place = part.querySelector('[data-plot="histories"]');
  if (!place) return;
  const boxes = [...part.querySelectorAll("input[data-history]")];
  const column = () => part.querySelector("input[name$=-column]:checked").value;
  const make = (look) => {
    const names = column() === "loss" ? ["train_loss", "valid_loss"] : [column()];
    const traces = [];
    const others = boxes.find((box) => box.dataset.history === "others");
    const shown = boxes.length - (others ? 1 : 0);
    if (others) {
      for (const name of names) {
        const x = [], y = [], text = [];
        for (const line of told.lines.slice(shown)) {
          x.push(...line.epoch, null);
          y.push(...(line[name] || line.epoch.map(() => null)), null);
          text.push(...line.epoch.map(() => plain(`model ${line.model}`)), "");
        }
        traces.push({ x, y, text, mode: "lines", visible: others.checked, line: { color: look.idle, width: 0.8, dash: name === "valid_loss" ? "dot" : "solid" }, opacity: 0.55,
          hovertemplate: "%{text}, epoch %{x}: %{y:.5g}<extra></extra>" });
      }
    }
    told.lines.slice(0, shown).forEach((line, i) => {
      for (const name of names) {
        const dash = names.length > 1 ? (name === "valid_loss" ? "dot" : "solid") : dashOf(i);
        traces.push({ x: line.epoch, y: line[name] || [], mode: "lines", visible: boxes[i].checked, name: plain(`model ${line.model}: ${line.text.slice(0, 80)}`), meta: { model: line.model },
          line: { color: look.lines[i % 8], width: 2, dash }, hovertemplate: `${name.replace("_", " ")} %{y:.5g}, epoch %{x}<extra>model ${line.model}</extra>` });
      }
    });
    const words = { loss: "loss (training solid, validation dotted)", train_loss: "training loss", valid_loss: "validation loss", valid: "validation accuracy (%)" }[column()];
    return { traces, shape: layout(look, "epoch", words) };
  };
  part.addEventListener("change", () => redraws.get(place)?.());
  drawn(place, make);
}

const counted = (name) => (["params", "flops", "memory"].includes(name) ? { exponentformat: "SI" } : {});

function proxy(place, told) {
  const positive = told.scores.every((score) => score > 0);
  const log = positive && Math.max(...told.scores) > 100 * Math.min(...told.scores);
  drawn(place, (look) => ({
    traces: [{ x: told.scores, y: told.valid, mode: "markers", marker: { color: look.lines[0], size: 6, opacity: 0.75 }, text: told.models.map((n) => `model ${n}`),
      hovertemplate: "%{text}: score %{x:.5g}, %{y:.2f} %<extra></extra>" }],
    shape: layout(look, told.proxy, "validation accuracy (%)", { xaxis: { type: log ? "log" : "linear", nticks: 6, ...counted(told.proxy) } }),
  }));
}

function front(place, told) {
  const on = new Set(told.front);
  const best = told.models.map((n, i) => [n, told.costs[i], told.valid[i]]).filter(([n]) => on.has(n)).sort((a, b) => a[1] - b[1]);
  const text = (n) => (told.worth ? `row ${n}` : `model ${n}`);
  const template = "%{text}: %{x:.5g}, %{y:.5g}<extra></extra>";
  drawn(place, (look) => ({
    traces: [
      { x: told.costs, y: told.valid, text: told.models.map(text), mode: "markers", marker: { color: look.idle, size: 6 }, hovertemplate: template },
      { x: best.map((each) => each[1]), y: best.map((each) => each[2]), text: best.map((each) => text(each[0])), mode: "lines+markers",
        line: { color: look.lines[1], width: 2, shape: "hv" }, marker: { color: look.lines[1], size: 8, symbol: "diamond" }, hovertemplate: template },
    ],
    shape: layout(look, told.cost === told.unit ? told.cost : `${told.cost} (${told.unit})`, told.worth || "validation accuracy (%)", { xaxis: { nticks: 6, ...counted(told.cost) } }),
  }));
}
