// Asks reCAPTCHA v3, which shows nothing, just before its form is sent.

for (const input of document.querySelectorAll("[data-captcha]")) {
  input.form.addEventListener("submit", (event) => {
    if (input.value || !globalThis.grecaptcha) return;
    event.preventDefault();
    const { submitter } = event;
    grecaptcha.ready(async () => {
      input.value = await grecaptcha.execute(input.dataset.captcha, { action: "submit" });
      input.form.requestSubmit(submitter);
    });
  });
}
