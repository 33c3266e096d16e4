/** A test gateway behind a real socket, for client SDKs and for many requests. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startTestGateway, type TestGateway } from './gateway.ts';

export interface ListeningGateway extends TestGateway {
  /** Where it listens, with the path below which FHIR is served. */
  readonly url: string;
}

export async function startListeningGateway(env: Readonly<Record<string, string>> = {}): Promise<ListeningGateway> {
  const gateway = await startTestGateway({ env });
  const server = createServer(gateway.app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await gateway.close();
  };
  return { ...gateway, url: `http://127.0.0.1:${port}/fhir`, close };
}
