// Opens the page that the address names. A page is a module of views/ with
//   title            its heading
//   show(main, {signal, params, actions})   fills `main`; `signal` is aborted when the page is left,
//                    `params` are the address's (URLSearchParams), `actions` is a place beside the heading.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { currentKey, enterKey, mayAskAgain, watchKey } from "./key.js";
import { PAGES, placeOf } from "./pages.js";
import { errorPanel } from "./parts.js";

const main = document.getElementById("main");
let leaving = new AbortController();
let opened = false;

async function open() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { page, params } = placeOf(location.hash);
  mayAskAgain();
  fold();
  mark(page);
  const view = await load(page);
  if (signal.aborted) return;
  const parts = layOut(view.title);
  try {
    await view.show(parts.body, { signal, params, actions: parts.actions });
  } catch (error) {
    if (!signal.aborted) parts.body.replaceChildren(errorPanel(known(error), open));
  }
}

async function load(page) {
  try {
    return await import(`./views/${page.file}.js`);
  } catch (error) {
    const show = (body) => body.append(errorPanel(known(error), () => location.reload()));
    return { title: page.title, show };
  }
}

/** An error that is no answer of the server is a fault of this console: it goes to the browser's log as well. */
function known(error) {
  if (error.code) return error;
  console.error(error);
  return {
    message: "This page could not be shown.",
    suggestion: "Load it again. If that does not help, tell your administrator.",
  };
}

function layOut(title) {
  const heading = h("h1", { tabindex: "-1" }, title);
  const actions = h("div", { class: "page-actions" });
  const body = h("div", { class: "page-body" });
  main.replaceChildren(h("div", { class: "page-head" }, heading, actions), body);
  document.title = `${title} · Rollcall`;
  // At the first page focus stays where the browser puts it, before the skip link.
  if (opened) {
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  opened = true;
  return { actions, body };
}

function mark(page) {
  for (const link of document.querySelectorAll(".nav-link")) {
    if (link.dataset.page === page.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function drawNavigation() {
  const links = PAGES.map(({ name, title }) =>
    h(
      "li",
      {},
      h(
        "a",
        { class: "nav-link", href: `#/${name}`, dataset: { page: name }, onclick: again },
        icon(name),
        h("span", {}, title),
      ),
    ),
  );
  document.getElementById("pages").append(...links);
  document.getElementById("foot").append(keyButton(), themeButton());
}

/** The page that is open already is opened anew: to the browser it is no other address. */
function again({ currentTarget }) {
  if (location.hash === currentTarget.hash) open();
}

function keyButton() {
  const label = h("span");
  const onclick = async () => {
    if (await enterKey()) open();
  };
  const draw = () => (label.textContent = currentKey() === null ? "Enter a key" : "Change the key");
  watchKey(draw);
  draw();
  return h("button", { type: "button", class: "nav-link", onclick }, icon("key"), label);
}

function themeButton() {
  const theme = window.rollcallTheme;
  const box = h("button", { type: "button", class: "nav-link" });
  const draw = () => {
    const dark = theme.current() === "dark";
    box.replaceChildren(icon(dark ? "sun" : "moon"), h("span", {}, dark ? "Light colours" : "Dark colours"));
  };
  box.addEventListener("click", () => {
    theme.choose(theme.current() === "dark" ? "light" : "dark");
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  return box;
}

const menu = document.getElementById("menu");

function fold(unfolded = false) {
  menu.setAttribute("aria-expanded", String(unfolded));
  document.getElementById("navigation").classList.toggle("unfolded", unfolded);
}

menu.addEventListener("click", () => fold(menu.getAttribute("aria-expanded") !== "true"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || menu.getAttribute("aria-expanded") !== "true") return;
  fold();
  menu.focus();
});
// The address's hash is the page's name, so this link must not go there.
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", open);
drawNavigation();
open();
