package io.sluiceway.faults;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.util.List;

/** A small HTTP client that shares nothing with the product's. */
final class WireClient {
    private static final int PATIENCE_MILLIS = 20_000;

    private WireClient() {}

    static HttpMessage send(String method, URI uri, List<String> headers, String body) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(uri.getHost(), uri.getPort()), PATIENCE_MILLIS);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream()
                    .write(HttpMessage.request(method, uri, headers, body).bytes());
            return HttpMessage.readAnswer(new BufferedInputStream(socket.getInputStream()), method);
        }
    }
}
