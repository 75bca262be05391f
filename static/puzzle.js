/* kwippy: the puzzle of a form (apps/puzzles). Its worker computes from the first touch of the form on; a form that is
   sent sooner waits for it. Without this file the form is taken a few seconds after its page opened. */
(() => {
  "use strict";

  const place = document.querySelector(".puzzle");
  const form = place?.closest("form");
  if (!form) return;
  const [said, { worker: source, wait, lifetime, working, ...facts }] = [place.querySelector("[role=status]"), place.dataset];
  const { puzzle, solution } = form.elements;
  let [came, solving] = [Date.now(), null];
  const pass = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  // "" where a browser has no workers, or no hashes (not over TLS): then it is the age of the puzzle that counts.
  function work() {
    if (!window.Worker || !window.isSecureContext) return Promise.resolve("");
    return new Promise((done) => {
      const worker = new Worker(source);
      const finish = (answer) => { worker.terminate(); done(answer); };
      worker.onmessage = ({ data }) => finish(data);
      worker.onerror = () => finish("");
      const numbers = Object.entries(facts).map(([name, value]) => [name, Number(value)]);
      worker.postMessage({ puzzle: puzzle.value, ...Object.fromEntries(numbers) });
    });
  }

  // The page's own address has a new one.
  async function renew() {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    puzzle.value = page.querySelector(".puzzle [name=puzzle]")?.value || puzzle.value;
    [solution.value, came] = ["", Date.now()];
  }

  async function solve() {
    try {
      if (Date.now() - came > lifetime * 900) await renew();
      solution.value ||= await work();
    } catch { /* away for a moment: the server says what is missing */ }
    const left = came + (Number(wait) + 1) * 1000 - Date.now();
    if (!solution.value && left > 0) await pass(left);
  }

  const begin = () => { solving ||= solve().then(() => { solving = null; }); return solving; };
  const isReady = () => solution.value && Date.now() - came < lifetime * 900;

  form.addEventListener("focusin", begin, { once: true });
  // Before anything else hears of it: the form is not sent yet.
  let goes = false;
  document.addEventListener("submit", async (event) => {
    if (event.target !== form || goes || isReady()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (said.textContent) return;
    said.textContent = working;
    // A worker that hangs is not waited for: by then the puzzle is old enough.
    await Promise.race([begin(), pass(Math.max(30, Number(wait) + 1) * 1000)]);
    said.textContent = "";
    goes = true;
    form.requestSubmit(event.submitter);
    goes = false;
  }, true);
  // "Back" brings a puzzle that was taken.
  addEventListener("pageshow", ({ persisted }) => { if (persisted) came = 0; });
})();
