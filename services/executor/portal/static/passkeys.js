// Has the browser make or show a passkey, and sends what comes of it with the form it is asked by.

const encode = (text) => {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

async function ceremony(options) {
  const make = options.publicKeyCredentialCreationOptions;
  if (make) {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(make);
    return navigator.credentials.create({ publicKey });
  }
  const show = options.publicKeyCredentialRequestOptions;
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(show) });
}

function prepare(form) {
  const said = form.querySelector("[role=alert]");
  const button = form.querySelector("button");
  const say = (words) => {
    said.textContent = words;
    said.hidden = false;
  };
  if (typeof globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON !== "function") {
    say(form.dataset.unsupported);
    return;
  }
  button.hidden = false;
  button.addEventListener("click", async () => {
    said.hidden = true;
    button.disabled = true;
    try {
      const credential = await ceremony(JSON.parse(form.dataset.passkey));
      form.elements.tokenResponse.value = encode(JSON.stringify(credential.toJSON()));
      form.submit();
    } catch (error) {
      say(error.name === "InvalidStateError" ? form.dataset.hasOne : form.dataset.failed);
      button.disabled = false;
    }
  });
}

document.querySelectorAll("form[data-passkey]").forEach(prepare);
