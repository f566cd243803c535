// Films are loaded when they are asked for; commands are copied. Pictures wait until the reader comes
// near, or nothing else is to do: a browser prints only those that it has loaded.

document.addEventListener("click", (event) => {
  const copied = event.target.closest(".task-part [data-copy]");
  if (copied) page.copy(copied.dataset.copy);
  const button = event.target.closest("[data-film]");
  if (!button) return;
  const place = document.getElementById(button.getAttribute("aria-controls"));
  const isOpen = button.getAttribute("aria-expanded") === "true";
  for (const other of document.querySelectorAll(`[aria-controls="${place.id}"]`)) {
    other.setAttribute("aria-expanded", "false");
  }
  place.replaceChildren();
  if (isOpen) return;
  button.setAttribute("aria-expanded", "true");
  const film = document.createElement("img");
  film.alt = button.dataset.text;
  film.width = film.height = Number(button.dataset.width);
  film.addEventListener("error", () => {
    place.textContent = `${button.dataset.film} is missing: it lies in a folder beside this page.`;
  });
  film.src = button.dataset.film;
  const caption = document.createElement("figcaption");
  caption.textContent = button.dataset.text;
  place.append(film, caption);
});
for (const picture of document.querySelectorAll(".task-part img")) {
  const say = () => {
    const text = document.createElement("p");
    text.textContent = `${picture.alt}. The picture lies in a folder beside this page, which is not here.`;
    picture.replaceWith(text);
  };
  if (picture.complete && !picture.naturalWidth && picture.loading !== "lazy") say();
  else picture.addEventListener("error", say);
}
const loadPictures = () => {
  for (const picture of document.querySelectorAll(".task-part img")) picture.loading = "eager";
};
window.addEventListener("beforeprint", loadPictures);
(window.requestIdleCallback ?? window.setTimeout)(loadPictures);
