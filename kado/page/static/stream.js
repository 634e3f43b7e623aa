// Server-sent events of kado, with a watch on the connection: an event comes each second, so silence means it is lost.

const SILENCE_MS = 3500;
const RETRY_MS = 1000;

export class Stream {
  #address; #tell; #ended; #handlers = new Map(); #source = null; #heard = 0; #lastId = ""; #lost = false; #timer = 0; #retryAt = 0;

  /**
   * @param {string} address of the stream
   * @param {(connected: boolean, sinceMs: number) => void} tell called when the connection is lost, and when it is back
   * @param {() => void} ended called when the reader may read no more: the session or the account has ended
   */
  constructor(address, tell, ended) {
    this.#address = address;
    this.#tell = tell;
    this.#ended = ended;
  }

  /** Call `handler` with the data of each event of a kind. */
  on(kind, handler) {
    this.#handlers.set(kind, [...(this.#handlers.get(kind) ?? []), handler]);
    if (this.#source) this.#listen(kind);
  }

  start() {
    if (!this.#address) return;
    this.#heard = Date.now();
    this.#connect();
    this.#timer = setInterval(() => this.#watch(), 500);
    document.addEventListener("visibilitychange", () => this.#visibility());
  }

  #connect() {
    this.#source?.close();
    const address = new URL(this.#address, location.href);
    if (this.#lastId) address.searchParams.set("last", this.#lastId);
    this.#source = new EventSource(address);
    for (const kind of new Set(["beat", "hello", ...this.#handlers.keys()])) this.#listen(kind);
    this.#source.addEventListener("ended", () => this.#end());
    this.#source.addEventListener("error", () => this.#refused());
    this.#retryAt = Date.now() + RETRY_MS * 3;
  }

  #listen(kind) {
    this.#source.addEventListener(kind, (event) => {
      this.#heard = Date.now();
      if (event.lastEventId) this.#lastId = event.lastEventId;
      if (this.#lost) {
        this.#lost = false;
        this.#tell(true, this.#heard);
      }
      const handlers = this.#handlers.get(kind);
      if (handlers) {
        const data = JSON.parse(event.data);
        for (const handler of handlers) handler(data);
      }
    });
  }

  #watch() {
    const now = Date.now();
    if (!this.#source || now - this.#heard < SILENCE_MS) return;
    if (!this.#lost) {
      this.#lost = true;
      this.#tell(false, this.#heard);
    }
    // A browser gives up after some answers, and waits long after others.
    if (now >= this.#retryAt) this.#connect();
  }

  /** A browser does not say with which status a stream was refused: ask for something small. */
  async #refused() {
    if (this.#source?.readyState !== EventSource.CLOSED) return;
    const answer = await fetch("/api/v1/signals", { method: "HEAD" }).catch(() => null);
    if (answer?.status === 401) this.#end();
  }

  #end() {
    clearInterval(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#address = "";
    this.#ended();
  }

  /** A page that nobody sees holds no connection: a browser has six of them for one kado. */
  #visibility() {
    clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = setTimeout(() => { this.#source?.close(); this.#source = null; }, 30_000);
    } else if (!this.#source && this.#address) {
      this.#heard = Date.now();
      this.#connect();
    }
  }
}
