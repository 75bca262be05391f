/* What was just sent and could not be taken is in this browser, where site.js keeps drafts: give it back. */
(() => {
  "use strict";
  let text = "";
  try {
    const key = sessionStorage.getItem("sent");
    const draft = JSON.parse(localStorage.getItem(key) || sessionStorage.getItem(key));
    text = Object.values(draft.typed).filter(Boolean).join("\n\n");
  } catch { /* there is none, or storage is forbidden */ }
  if (!text) return;
  const kept = document.getElementById("kept");
  kept.querySelector("textarea").value = text;
  kept.hidden = false;
})();
