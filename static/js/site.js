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

  // Cached pages do not know the visitor's cart: its number is in a cookie.
  const counted = () => Number(/(?:^|; )cart_n=(\d{1,6})(?:;|$)/.exec(document.cookie)?.[1] ?? 0);
  const countCart = (pieces = counted()) => {
    const link = byId("cart-link");
    if (!link || link.dataset.pieces === String(pieces)) return;
    link.dataset.pieces = pieces;
    link.textContent = "Cart";
    if (!pieces) return;
    const unit = document.createElement("span");
    unit.className = "unseen";
    unit.textContent = pieces === 1 ? " piece" : " pieces";
    link.append(` (${pieces})`, unit);
  };
  countCart();

  // News of the cart: of htmx answers (HX-Trigger), of islands, and by the channel of other tabs. Older ones are not
  // believed, nor the cookie that came with them.
  let news, tabs;
  const tell = (detail) => document.dispatchEvent(new CustomEvent("shop:cart", { detail }));
  const open = () => {
    if (!window.BroadcastChannel) return;
    tabs = new BroadcastChannel("shop:cart");
    tabs.onmessage = ({ data }) => tell({ ...data, elsewhere: true });
  };
  document.addEventListener("shop:cart", ({ detail: { cart, version, count, total, elsewhere } }) => {
    const isOld = news?.cart === cart && version < news.version;
    if (isOld) document.cookie = `cart_n=${news.count}; path=/; max-age=2592000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    else news = { cart, version, count, total };
    countCart(news.count);
    if (!isOld && !elsewhere) tabs?.postMessage(news);
    keepUp();
  });
  // A cart that no island keeps up to date is fetched anew, unless somebody is typing in it.
  const keepUp = () => {
    const cart = byId("cart");
    if (!cart || !news || "mounted" in cart.dataset || cart.dataset.version === `${news.version}`) return;
    if (![...cart.querySelectorAll("input")].some((field) => field.value !== field.defaultValue))
      htmx.ajax("GET", "/cart" + location.search, { target: "#cart", swap: "outerHTML" });
  };
  open();
  // A page that shows the cart tells the others how it is by now: a form that was sent plainly may have changed it.
  const { cart, version, count, total } = document.querySelector("[data-version]")?.dataset ?? {};
  if (version) tell({ cart: +cart, version: +version, count: +count, total: +total });
  addEventListener("pagehide", () => tabs?.close()); // an open channel would keep the page out of the browser's memory
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) open();
    countCart();
  });
  document.addEventListener("shop:say", ({ detail }) => detail && say(detail));

  // Nothing was changed, as far as we know: what was typed stays, and the shopper is told.
  const NOT_SAVED = "Not saved: the shop did not answer. Please try again in a moment.";
  const complain = (form) => {
    const note = form.querySelector(".not-saved") ?? document.createElement("p");
    note.className = "notice bad not-saved";
    note.setAttribute("role", "alert");
    note.textContent = NOT_SAVED;
    form.prepend(note);
  };
  document.addEventListener("shop:not-saved", ({ target }) => complain(target));

  // Ready: nothing is on its way, and every island has its region, or has given up. Tests wait for it.
  let asking = 0, hasFailed = false; // once one has failed, none is mounted on this page any more
  const look = () => {
    hasFailed ||= !!document.querySelector("[data-failed]");
    const isMounted = hasFailed || !document.querySelector("[data-island]:not([data-mounted])");
    const isReady = !asking && isMounted && !document.querySelector("[aria-busy=true], [data-sending]");
    document.documentElement.toggleAttribute("data-ready", isReady);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ["aria-busy", "data-mounted", "data-failed", "data-sending"] });
  look();
  document.addEventListener("htmx:before:request", () => { asking += 1; look(); });
  document.addEventListener("htmx:finally:request", () => { asking -= 1; look(); });
  // A script that cannot be had: the forms work without it.
  addEventListener("error", ({ target, filename }) => {
    if (target.type !== "module" && !filename?.includes("/dist/")) return;
    for (const each of document.querySelectorAll("[data-island]:not([data-mounted])")) each.dataset.failed = "";
    look();
  }, true);

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
    // Enter in a field sends the form by its first button, but the focus is in the field. (Safari focuses no button.)
    const { activeElement } = document;
    const used = region.contains(activeElement) ? activeElement : (ctx.request.submitter ?? activeElement);
    ctx.shop.folds = openFolds(region);
    ctx.shop.held = region.contains(used) ? used.id : "";
    // Should the used control go with its line, the focus goes to the next link that stays.
    const follows = (link) => used.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING;
    ctx.shop.next = ctx.shop.held ? [...region.querySelectorAll("a[id]")].filter(follows).map((link) => link.id) : [];
  });

  // keepUp() asked, not the shopper: then the cart stays as it is.
  const isOurs = (ctx) => ctx.sourceElement === document.body;

  // A page that is not what was asked for is shown as a page. 409 and 422 are answers: the region says what is wrong.
  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    const { status } = ctx.response;
    if (status < 400 || status === 409 || (status === 422 && ctx.request.method === "POST")) return;
    event.preventDefault();
    if (isOurs(ctx)) return;
    if (ctx.request.method === "GET") leave(ctx.request.action);
    else if (status >= 500) complain(ctx.sourceElement);
    else ctx.sourceElement.submit(); // refused, so sending it again changes nothing but what is seen
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (!ctx || isOurs(ctx)) return;
    if (ctx.request?.method === "GET") leave(ctx.request.action);
    else if (ctx.request?.method === "POST") complain(ctx.sourceElement);
  });

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (!ctx.shop) return;
    const { region, focus, words, folds = [], held, next = [] } = ctx.shop;
    for (const id of folds) byId(id)?.setAttribute("open", "");
    const wanted = byId(region)?.querySelector("[data-autofocus]") ?? byId(focus);
    const near = () => byId(held) ?? next.map(byId).find(Boolean) ?? byId(region)?.querySelector("[tabindex='-1']");
    const place = wanted ?? (held ? near() : null);
    place?.focus({ preventScroll: true });
    if (wanted) place.scrollIntoView({ block: "nearest" });
    const parts = words ? words.split(" ").map(byId).filter(Boolean).map(text) : [];
    if (parts.length) say(parts.join(", "));
  });

  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.shop) byId(ctx.shop.region)?.removeAttribute("aria-busy");
    countCart();
  });
})();
