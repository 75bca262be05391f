/* kwippy: the service worker. It changes two answers, both while the network is away: a page becomes the offline
   page, with the words of the form that was sent, and a heart is kept until it can be sent. It stores the offline
   page with its files, and hearts that wait; no other page, and no words. docs/decisions/offline.md has the reasons. */
"use strict";

const SITE = {{ site }};
const SHELF = `offline-${SITE.version}`;
const HEARTS = "hearts";
const MOST_HEARTS = 100;
const MOST_AGE = 86400000; // a day, in milliseconds
const PATIENCE = 10000; // less than the page's script has
const pause = () => new Promise((done) => setTimeout(done, 2000));
const HEART = /^(\/kwip\/\d+\/)(?:un)?favourite\/$/;
const FORM = "application/x-www-form-urlencoded";

self.addEventListener("install", (event) => event.waitUntil(store()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function store() {
  const shelf = await caches.open(SHELF);
  // Without cookies: the page that every visitor gets.
  const asked = [SITE.page, ...SITE.files].map((path) => new Request(path, { cache: "reload", credentials: "omit" }));
  await shelf.addAll(asked);
  await self.skipWaiting();
}

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== SHELF && name !== HEARTS).map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  const [, kwip] = (request.method === "POST" && HEART.exec(pathname)) || [];
  if (request.mode === "navigate") event.respondWith(page(event, pathname));
  else if (kwip) event.respondWith(heart(request, kwip));
  else if (SITE.files.includes(pathname)) event.respondWith(fetch(request).catch(() => caches.match(pathname)));
});
// Twice: browsers say "online" too early.
self.addEventListener("message", (event) => event.waitUntil(sendHearts().catch(pause).then(sendHearts)));
// Rejected, the browser tries again.
self.addEventListener("sync", (event) => event.waitUntil(sendHearts()));

/* Whatever the server answers is shown as it is, errors too. */
async function page(event, pathname) {
  const { request } = event;
  const isForm = request.method === "POST" && request.headers.get("Content-Type")?.startsWith(FORM);
  const form = isForm ? request.clone() : null;
  // Signing in and out: what waits is not the next person's.
  if (request.method === "POST" && pathname.startsWith("/accounts/")) await caches.delete(HEARTS);
  try {
    const answer = (await event.preloadResponse) || (await fetch(request));
    event.waitUntil(sendHearts().catch(() => {}));
    return answer;
  } catch {
    return offline(request, form);
  }
}

/* The words are in the page that is shown, and nowhere else. A form without a text, as for a password, leaves none. */
async function offline(request, form) {
  const stored = await caches.match(SITE.page);
  if (!stored) return Response.error();
  const fields = form ? [...new URLSearchParams(await form.text())] : [];
  const hasWords = fields.some(([name, value]) => name === "text" && value.trim());
  const sent = { action: request.url, fields: hasWords ? fields : [] };
  const held = request.method === "POST" ? JSON.stringify(sent).replaceAll("<", "\\u003c") : "null";
  const html = (await stored.text()).replace(">null</script>", () => `>${held}</script>`);
  const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" };
  for (const name of ["Content-Security-Policy", "Referrer-Policy", "X-Frame-Options"]) {
    if (stored.headers.has(name)) headers[name] = stored.headers.get(name);
  }
  return new Response(html, { status: 503, headers });
}

/* One kwip's hearts go one after the other, so that the last press arrives last. */
async function heart(request, kwip) {
  const [kind, body] = [request.headers.get("Content-Type"), await request.clone().text()];
  return navigator.locks.request(kwip, async () => {
    try {
      const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok) await (await caches.open(HEARTS)).delete(kwip);
      return answer;
    } catch {
      return keep(kwip, body, { "Content-Type": kind, address: new URL(request.url).pathname, at: Date.now() });
    }
  });
}

/* One entry a kwip: the last press. Its token is valid for its own sign-in alone. */
async function keep(kwip, body, headers) {
  const hearts = await caches.open(HEARTS);
  if (!(await hearts.match(kwip)) && (await hearts.keys()).length >= MOST_HEARTS) return Response.error();
  await hearts.put(kwip, new Response(body, { headers }));
  await self.registration.sync?.register(HEARTS).catch(() => {});
  return Response.json({ said: SITE.kept });
}

async function sendHearts() {
  if (!(await caches.has(HEARTS))) return;
  const hearts = await caches.open(HEARTS);
  for (const { url } of await hearts.keys()) {
    const kwip = new URL(url).pathname;
    await navigator.locks.request(kwip, () => sendHeart(hearts, kwip));
  }
}

/* An entry stays if the network or the server is away. What the server refuses is not sent again. */
async function sendHeart(hearts, kwip) {
  const kept = await hearts.match(kwip);
  if (!kept) return; // sent meanwhile
  if (Date.now() - kept.headers.get("at") < MOST_AGE) {
    const headers = { Accept: "application/json", "Content-Type": kept.headers.get("Content-Type") };
    const answer = await fetch(kept.headers.get("address"), { method: "POST", headers, body: await kept.text() });
    if (answer.status === 429 || answer.status >= 500) return;
  }
  await hearts.delete(kwip);
}
