// Publishing the event that was tried: for tokens with the OAuth scope that may.

import { explain } from "./api.js";
import { ask, byId, news, tell } from "./dom.js";

/** The button below the form of a trial. */
export class Publisher {
  #api;

  /** @param read gives the event; it may throw what the form shows at a field. @param refuse shows that. */
  constructor(read, refuse) {
    byId("try-publish").addEventListener("click", () => {
      tell(byId("try-published"), "");
      try {
        this.#ask(read());
      } catch (error) {
        refuse(error);
      }
    });
  }

  open(api) {
    this.#api = api;
    tell(byId("try-published"), "");
    this.offer();
  }

  /** Show the button if it is known that the token may. */
  offer() {
    byId("try-publish").hidden = !this.#api.mayPublish;
  }

  #ask(event) {
    ask({
      title: "Publish this event?",
      text: `Every active hook of the store that is for ${event.scope} gets it, those of other clients too, as if it had happened.`,
      yes: "Publish it",
      isDangerous: false,
      explain,
      act: async () => {
        const [{ id }] = await this.#api.call("POST", "/events", event);
        tell(byId("try-published"), `Published, with the id ${id}. By that id it is found among a hook’s deliveries.`);
        news("The event was published.");
      },
    });
  }
}
