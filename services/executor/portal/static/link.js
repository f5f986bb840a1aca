// Takes the token of a mailed link out of the address, where no server sees it, into the form.

const form = document.querySelector("form[data-link]");
if (location.hash.includes("token=")) {
  form.elements.link.value = location.href;
  form.querySelector(".field").hidden = true;
  history.replaceState(null, "", location.pathname);
}
