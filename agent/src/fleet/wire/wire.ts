import type { Channel, Dial } from '../../session/channel.ts';
import { type Interceptor, type Line, PASSING } from './line.ts';

/** A terminal's way to its verifier, with a place for somebody to sit on it; the terminal does not notice. */
export class Wire {
  /** Who sits there now; connections that are open already are intercepted from then on too. */
  interceptor: Interceptor = PASSING;
  /** how connections are made, and over what */
  route: Dial;

  constructor(route: Dial) {
    this.route = route;
  }

  readonly dial: Dial = async (options) => {
    await this.interceptor.dialling?.();
    return this.#intercepted(await this.route(options));
  };

  #intercepted(channel: Channel): Channel {
    const line: Line = {
      send: (message) => channel.send(message),
      pause: () => channel.pause(),
      close: () => channel.close(),
    };
    return {
      binding: channel.binding,
      send: (message) => this.interceptor.outgoing(message, line),
      receive: async (withinMs) => {
        const message = await channel.receive(withinMs);
        if (message !== undefined) await this.interceptor.incoming?.(message, line);
        return message;
      },
      pause: () => channel.pause(),
      close: () => channel.close(),
    };
  }
}
