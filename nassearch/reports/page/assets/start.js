// The page as a whole: its theme, the library of pictures, and print.
const theme = document.getElementById("theme");
const redraw = () => redraws.forEach((draw) => draw());
theme.addEventListener("change", () => { document.documentElement.dataset.theme = theme.value; redraw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// The library is stored compressed, and let in by the policy of the page through its digest.
async function library() {
  const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  // It brings the style of maps, which are not drawn here and which the policy would refuse with an error.
  document.head.appendChild = (node) => (node.localName === "style" && node.textContent ? node : Node.prototype.appendChild.call(document.head, node));
  document.head.append(script);
  delete document.head.appendChild;
}

const PRINTED = 680;
let opened = [];
function toPaper() {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((each) => { each.open = true; });
  [...waiting.keys()].forEach(near);
  redraw();
  document.querySelectorAll(".plot").forEach((place) => Plotly.relayout(place, { width: Math.min(PRINTED, place.classList.contains("small") ? 320 : PRINTED) }));
}
function toScreen() {
  opened.forEach((each) => { each.open = false; });
  document.querySelectorAll(".plot").forEach((place) => Plotly.relayout(place, { width: null, autosize: true }));
  redraw();
}

async function start() {
  for (const section of document.querySelectorAll("section[data-section]")) {
    const told = data.sections[Number(section.dataset.section)];
    curves(section, told);
    section.querySelectorAll('.found [data-plot="front"]').forEach((place) => front(place, told.fronts[Number(place.dataset.number)]));
    for (const part of section.querySelectorAll("[data-trainings]")) {
      const one = told.trainings[Number(part.dataset.trainings)];
      histories(part, one.histories);
      part.querySelectorAll('[data-plot="proxy"]').forEach((place) => proxy(place, one.proxies[Number(place.dataset.number)]));
      part.querySelectorAll('[data-plot="front"]').forEach((place) => front(place, one.fronts[Number(place.dataset.number)]));
    }
  }
  try {
    await library();
    const seen = new IntersectionObserver((found) => found.filter((each) => each.isIntersecting).forEach((each) => near(each.target)), { rootMargin: "800px" });
    document.querySelectorAll(".plot").forEach((place) => seen.observe(place));
    addEventListener("beforeprint", () => [...waiting.keys()].forEach(near));
    matchMedia("print").addEventListener("change", (event) => (event.matches ? toPaper() : toScreen()));
    document.documentElement.dataset.ready = "";
  } catch (error) {
    document.querySelectorAll(".plot").forEach((place) => {
      place.classList.add("failed");
      place.textContent = `This browser cannot draw the pictures (${error}). The tables hold the numbers.`;
    });
    document.documentElement.dataset.ready = "failed";
  }
}
start();
