/* What htmx leaves open: where the focus goes, what is said aloud, and what happens when a request fails.
   Everything works without this file. All listeners are on the document, so they outlive every swap. */
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const text = (element) => element.textContent.replace(/\s+/g, " ").trim();
  const openFolds = (within) => [...within.querySelectorAll("details[open][id]")].map((fold) => fold.id);
  const leave = (url) => location.assign(url);
  let saying;

  // One message at a time; the pause lets a screen reader finish with the control that was used.
  const say = (message) => {
    clearTimeout(saying);
    byId("live").textContent = "";
    saying = setTimeout(() => { byId("live").textContent = message; }, 150);
  };

  // Empty fields are not part of an address.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    const { method, body } = ctx.request;
    if (method !== "GET" || !body) return;
    for (const [name, value] of [...body]) if (value === "") body.delete(name);
  });

  // After the swap the used control may be gone: what will be needed is kept on ctx, which stays the same object.
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const { focus, say: words } = ctx.sourceElement.dataset ?? {};
    if (!ctx.target.id) return;
    ctx.shop = { region: ctx.target.id, focus, words };
    ctx.target.setAttribute("aria-busy", "true");
  });

  // What is in a closed fold cannot hold the focus, and a fresh region arrives with its folds closed.
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    const region = ctx.shop && byId(ctx.shop.region);
    if (!region) return;
    ctx.shop.folds = openFolds(region);
    ctx.shop.held = region.contains(document.activeElement) ? document.activeElement.id : "";
  });

  // A page that is not what was asked for is shown as a page. 409 is an answer: the region says what differs.
  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    const { status } = ctx.response;
    if (ctx.request.method !== "GET" || status < 400 || status === 409) return;
    event.preventDefault();
    leave(ctx.request.action);
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (ctx?.request?.method === "GET") leave(ctx.request.action);
  });

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (!ctx.shop) return;
    const { focus, words, folds = [], held } = ctx.shop;
    for (const id of folds) byId(id)?.setAttribute("open", "");
    const place = byId(focus || held);
    place?.focus({ preventScroll: true });
    if (focus) place?.scrollIntoView({ block: "nearest" });
    const parts = words ? words.split(" ").map(byId).filter(Boolean).map(text) : [];
    if (parts.length) say(parts.join(", "));
  });

  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.shop) byId(ctx.shop.region)?.removeAttribute("aria-busy");
  });
})();
