/* site.js stores drafts in this browser: show the text that was just sent and could not be accepted. */
(() => {
  "use strict";
  let text = "";
  try {
    const key = sessionStorage.getItem("sent");
    const draft = JSON.parse(localStorage.getItem(key) || sessionStorage.getItem(key));
    text = Object.values(draft.typed).filter(Boolean).join("\n\n");
  } catch { /* no draft, or storage is disabled */ }
  if (!text) return;
  const kept = document.getElementById("kept");
  kept.querySelector("textarea").value = text;
  kept.hidden = false;
})();
