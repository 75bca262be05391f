/* kwippy: pictures. Adding them to a kwip while one writes, and looking at one. Without this file the form comes back
   with what was added, and a picture is a link. */
(() => {
  "use strict";

  if (kwippy.look) return;
  const { all, say, door, live } = kwippy;
  const MOST = 4;  // of a kwip; the site counts them, too
  const made = (name, properties) => Object.assign(document.createElement(name), properties);

  /* The style of the lightbox comes with its script: most pages open none. */
  const style = new CSSStyleSheet();
  style.replaceSync(`@layer pages {
    .lightbox {
      inline-size: 100%;
      block-size: 100%;
      max-inline-size: none;
      max-block-size: none;
      padding: 0;
      border-radius: 0;
      background: #000d;
      color: #fff;
    }
    .lightbox img {
      inline-size: 100%;
      block-size: 100%;
      object-fit: contain;
    }
    .lightbox p {
      position: fixed;
      inset: auto 0 0;
      background: #000c;
      text-align: center;
    }
    .lightbox button {
      position: fixed;
      inset-block-start: var(--s2);
      min-inline-size: 2.75rem;
      min-block-size: 2.75rem;
      border: 0;
      border-radius: 99rem;
      background: #000a;
      color: inherit;
      font-size: var(--text-l);
      cursor: pointer;
    }
    .lightbox [value="close"] { inset-inline-end: var(--s2); }
    .lightbox [value="before"] { inset-inline-start: var(--s2); }
    .lightbox [value="after"] { inset-inline-start: 4rem; }
  }`);
  document.adoptedStyleSheets.push(style);

  /* One picture, as large as the window; its neighbours by the arrows; Escape or a click closes it. */
  kwippy.look = (shot) => {
    const shots = [...shot.parentElement.querySelectorAll(".shot")];
    let place = shots.indexOf(shot);
    const dialog = made("dialog", { className: "lightbox" });
    const [image, words] = [made("img"), made("p")];
    const button = (value, text) => made("button", { type: "button", value, textContent: text });
    dialog.append(image, words, ...(shots.length > 1 ? [button("before", "‹"), button("after", "›")] : []), button("close", "×"));
    const show = (by) => {
      place = (place + by + shots.length) % shots.length;
      const small = shots[place].querySelector("img");
      image.src = shots[place].href;
      image.alt = words.textContent = small.alt;
      dialog.setAttribute("aria-label", small.alt);
    };
    dialog.addEventListener("click", ({ target }) => {
      if (target.value === "before") show(-1);
      else if (target.value === "after") show(1);
      else if (target !== words) dialog.close();
    });
    dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") show(-1);
      if (key === "ArrowRight") show(1);
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      shots[place].focus();
    });
    show(0);
    document.body.append(dialog);
    dialog.showModal();
  };

  /* The pictures of a form: each is sent at once, one after the other, and its fields come back. */
  function tendPictures(place) {
    const { form, dataset } = place;
    const [list, input] = [place.querySelector(".pic-list"), place.querySelector("[type=file]")];
    const details = place.closest("details");
    const add = place.querySelector("[name=add]");
    const about = (selector) => place.querySelector(selector).textContent;
    add.hidden = true;
    place.append(made("link", { rel: "stylesheet", href: dataset.style }));
    let [queue, sending, isFull] = [[], false, false];

    const number = () => list.querySelectorAll(".pic").length;

    function take(files) {
      const pictures = [...files].filter((file) => file.type.startsWith("image/") || !file.type);
      if (!pictures.length) return false;
      if (details) details.open = true;
      for (const file of pictures) {
        if (number() >= MOST) {
          isFull = true;
          break;
        }
        const row = made("li", { className: "pic pic-sent" });
        const bar = made("progress", { max: 1, value: 0 });
        bar.setAttribute("aria-label", `${file.name} ${dataset.sending}`);
        const cancel = made("button", { type: "button", className: "button quiet", textContent: dataset.cancel });
        row.append(bar, made("span", { textContent: file.name }), cancel);
        list.append(row);
        const job = { file, row, bar };
        cancel.addEventListener("click", () => {
          job.isCancelled = true;
          job.request?.abort();
          row.remove();
          input.focus();
        });
        queue.push(job);
      }
      next();
      return true;
    }

    async function next() {
      if (sending) return;
      sending = true;
      for (let job; (job = queue.shift());) if (!job.isCancelled) await send(job);
      sending = false;
      if (isFull) say(about(".helptext"), true);
      isFull = false;
    }

    const send = (job, tries = 5) => new Promise((done) => {
      const { row, bar, file } = job;
      const request = job.request = new XMLHttpRequest();
      const body = new FormData();
      body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
      body.append("files", file);
      request.open("POST", add.formAction);
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", ({ loaded, total }) => { bar.value = loaded / total; });
      request.addEventListener("loadend", () => {
        if (job.isCancelled) return done();
        // Another picture is just being read.
        if (request.status === 503 && tries) return setTimeout(() => done(job.isCancelled || send(job, tries - 1)), 1000);
        done();
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* a page, or nothing */ }
        if (!answer.html) {
          row.remove();
          return say(`${file.name}: ${answer.error || live.dataset.failed}`, true, answer.link && door(answer.link));
        }
        const item = new DOMParser().parseFromString(answer.html, "text/html").querySelector(".pic");
        row.replaceWith(item);
        all("textarea").filter((area) => item.contains(area)).forEach(kwippy.tend);
        say(`${about("legend")}: ${number()}`);
      });
      request.send(body);
    });

    input.addEventListener("change", () => {
      take(input.files);
      input.value = "";  // they are sent: the form has their names
    });
    form.addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length && take(event.clipboardData.files)) event.preventDefault();
    });
    form.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
    form.addEventListener("drop", (event) => {
      if (event.dataTransfer.files.length && take(event.dataTransfer.files)) event.preventDefault();
    });
    form.addEventListener("submit", (event) => {
      if (!sending || event.submitter?.name === "preview") return;
      event.preventDefault();
      event.stopPropagation();
      say(list.querySelector("progress").ariaLabel, true);
    }, { capture: true });

    list.addEventListener("click", (event) => {
      const button = event.target.closest("button[name]");
      if (!button) return;
      event.preventDefault();
      const item = button.closest(".pic");
      if (button.name === "earlier") item.previousElementSibling?.before(item);
      if (button.name === "later") item.nextElementSibling?.after(item);
      if (button.name !== "remove") return button.focus();
      item.remove();
      input.focus();
      say(`${about("legend")}: ${number()}`);
    });
    if (input.files.length) input.dispatchEvent(new Event("change"));
  }
  all(".pics").forEach(tendPictures);
})();
