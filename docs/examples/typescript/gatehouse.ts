// A typed client of Gatehouse's executor, for browsers and Node: copy it into an app. It needs no
// package, and decides nothing about a flow: what a step says is what the `App` is asked.

export type Inputs = Record<string, unknown>;

export interface Component {
  id: string;
  /** `FORM`, `INPUT`, `BUTTON`, `TYPOGRAPHY`, `RICH_TEXT`, `DIVIDER`, `IMAGE`, `CAPTCHA`, `RESEND`. */
  type: string;
  variant?: string;
  actionId?: string;
  config?: Record<string, unknown>;
  components?: Component[];
}

export interface Message {
  type: "ERROR" | "INFO";
  message: string;
  i18nKey?: string;
}

export interface FieldError {
  identifier: string;
  message: string;
  i18nKey?: string;
}

/** What there is of it hangs on the step's type. */
export interface Data {
  components?: Component[];
  requiredParams?: string[];
  optionalParams?: string[];
  messages?: Message[];
  fieldErrors?: FieldError[];
  webAuthn?: Record<string, unknown>;
  url?: string;
  userAssertion?: string;
}

/** Where a flow is, or how it ended. */
export interface Step {
  flowId?: string;
  stepId?: string;
  flowType: string;
  flowStatus: "INCOMPLETE" | "COMPLETE" | "ERROR";
  type: "VIEW" | "REDIRECTION" | "WEBAUTHN" | "INTERNAL_PROMPT";
  data: Data;
}

/** What an app does at a step. */
export interface App {
  /** Show `step.data.components` and what is wrong with them; return what was done. */
  fill(step: Step): Promise<{ inputs: Inputs; actionId?: string }>;
  /** Send the user to `url`; return what they bring back to the app's callback. */
  leave(url: string): Promise<Inputs>;
  /** Ask the authenticator by WebAuthn; return the credential as JSON. */
  authenticate(options: Record<string, unknown>): Promise<string>;
  /** Return those of the parameters that the app knows. */
  tell(names: string[]): Promise<Inputs>;
}

export interface Start {
  flowType: string;
  flow?: string;
  deviceId?: string;
  next?: string;
}

interface Fault {
  code?: string;
  traceId?: string;
  flowType?: string;
  /** With a 409: what is current. */
  step?: Step;
}

interface Refusal {
  status: number;
  fault: Fault;
  retryAfter: string;
}

/** The executor did not do what was asked; `traceId` is for your log and its operators. */
export class Refused extends Error {
  status: number;
  code?: string;
  traceId?: string;
  /** What to start again with, where that would help. */
  flowType?: string;

  constructor(status: number, fault: Fault) {
    super(`${status} ${fault.code ?? ""} (trace ${fault.traceId ?? "unknown"})`);
    this.status = status;
    this.code = fault.code;
    this.traceId = fault.traceId;
    this.flowType = fault.flowType;
  }
}

/** Milliseconds between attempts, where no answer says how long to wait. */
const PAUSES = [500, 1_000, 2_000, 4_000];
const LONGEST_PAUSE = 30_000;
const TIMEOUT = 15_000;

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

export class Client {
  #url: string;

  /** Call the executor at `url`; `https://id.example.com/t/acme` for the tenant `acme`. */
  constructor(url: string) {
    this.#url = `${url.replace(/\/+$/, "")}/flow/execute`;
  }

  /** Start a flow, for whom `bearer` is an assertion. */
  start(start: Start, bearer?: string): Promise<Step> {
    return this.#send(start, bearer);
  }

  /** Answer `step`; where somebody else was faster, return what is current. */
  answer(step: Step, inputs: Inputs, actionId = ""): Promise<Step> {
    return this.#send({ flowId: step.flowId, stepId: step.stepId, actionId, inputs });
  }

  async #send(body: object, bearer?: string): Promise<Step> {
    const headers: Record<string, string> = {
      "Content-Type": "application/json",
      // One key for all attempts: however many arrive, one is done.
      "Idempotency-Key": crypto.randomUUID(),
    };
    if (bearer !== undefined) headers["Authorization"] = `Bearer ${bearer}`;
    for (let attempt = 0; ; attempt++) {
      const pause = PAUSES[attempt];
      try {
        const answer = await this.#once(JSON.stringify(body), headers);
        if (!("status" in answer)) return answer;
        const wait = waitFor(answer, pause);
        if (wait === undefined) throw new Refused(answer.status, answer.fault);
        await sleep(wait);
      } catch (error) {
        if (error instanceof Refused || pause === undefined) throw error;
        await sleep(pause);
      }
    }
  }

  async #once(body: string, headers: Record<string, string>): Promise<Step | Refusal> {
    const signal = AbortSignal.timeout(TIMEOUT);
    const answer = await fetch(this.#url, { method: "POST", headers, body, signal });
    if (answer.ok) return (await answer.json()) as Step;
    // Something in between may have answered, with a page of its own.
    const fault = (await answer.json().catch(() => ({}))) as Fault;
    if (answer.status === 409 && fault.step !== undefined) return fault.step;
    return { status: answer.status, fault, retryAfter: answer.headers.get("Retry-After") ?? "" };
  }
}

/** Say how long to wait before the same is sent again; undefined where it is not. */
function waitFor(refusal: Refusal, pause: number | undefined): number | undefined {
  if (![429, 503].includes(refusal.status) || pause === undefined) return undefined;
  const wait = /^\d+$/.test(refusal.retryAfter) ? Number(refusal.retryAfter) * 1_000 : pause;
  return wait <= LONGEST_PAUSE ? wait : undefined;
}

/** Start a flow and have `app` answer each step; return how it ended. */
export async function walk(client: Client, start: Start, app: App, bearer?: string): Promise<Step> {
  let step = await client.start(start, bearer);
  while (step.flowStatus === "INCOMPLETE") {
    const { inputs, actionId } = await answerTo(app, step);
    step = await client.answer(step, inputs, actionId);
  }
  return step;
}

async function answerTo(app: App, step: Step): Promise<{ inputs: Inputs; actionId?: string }> {
  const { data } = step;
  switch (step.type) {
    case "VIEW":
      return app.fill(step);
    case "REDIRECTION":
      return { inputs: await app.leave(data.url ?? "") };
    case "WEBAUTHN":
      return { inputs: { tokenResponse: await app.authenticate(data.webAuthn ?? {}) } };
    case "INTERNAL_PROMPT": {
      const names = [...(data.requiredParams ?? []), ...(data.optionalParams ?? [])];
      return { inputs: await app.tell(names) };
    }
  }
}

/** List the components of a type, in order and in depth. */
export function* ofType(components: Component[] | undefined, type: string): Generator<Component> {
  for (const component of components ?? []) {
    if (component.type === type) yield component;
    yield* ofType(component.components, type);
  }
}
