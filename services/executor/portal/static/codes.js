// Lets codes be copied and printed where the browser can.

for (const tools of document.querySelectorAll("[data-codes]")) {
  const codes = [...tools.parentElement.querySelectorAll("code")].map((each) => each.textContent);
  const copy = tools.querySelector("[data-copy]");
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(codes.join("\n"));
    tools.querySelector("[role=status]").textContent = tools.dataset.copied;
  });
  tools.querySelector("[data-print]").addEventListener("click", () => window.print());
  tools.hidden = false;
}
