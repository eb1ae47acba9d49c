package io.sluiceway.faults;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** An HTTP/1.1 message, byte for byte as it came over the wire. */
final class HttpMessage {
    private static final int CHUNK_SIZE_RADIX = 16;

    private final byte[] head;
    private final byte[] body;

    private HttpMessage(byte[] head, byte[] body) {
        this.head = head;
        this.body = body;
    }

    /** Reads a request, or nothing when the peer has no more. A peer that asks whether to go on is told so. */
    static Optional<HttpMessage> readRequest(InputStream in, OutputStream out) throws IOException {
        byte[] head = readHead(in);
        if (head.length == 0) {
            return Optional.empty();
        }
        HttpMessage bare = new HttpMessage(head, new byte[0]);
        if (bare.expectsContinue()) {
            out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
        }
        return Optional.of(new HttpMessage(head, bare.readBody(in, false)));
    }

    /** Reads the answer to a request, passing over interim ones. */
    static HttpMessage readAnswer(InputStream in, String requestMethod) throws IOException {
        while (true) {
            byte[] head = readHead(in);
            if (head.length == 0) {
                throw new EOFException("The connection ended without an answer.");
            }
            HttpMessage bare = new HttpMessage(head, new byte[0]);
            int status = bare.status();
            if (status >= 200) {
                boolean empty = requestMethod.equals("HEAD") || status == 204 || status == 304;
                return empty ? bare : new HttpMessage(head, bare.readBody(in, true));
            }
        }
    }

    /** An answer made here. */
    static HttpMessage answer(int status, List<String> headers, String content) {
        return made("HTTP/1.1 " + status + " Because", headers, content);
    }

    /** A request made here. */
    static HttpMessage request(String method, URI uri, List<String> headers, String content) {
        String target = uri.getRawQuery() == null ? uri.getRawPath() : uri.getRawPath() + "?" + uri.getRawQuery();
        return made(method + " " + target + " HTTP/1.1\r\nHost: " + uri.getAuthority(), headers, content);
    }

    private static HttpMessage made(String start, List<String> headers, String content) {
        byte[] body = content.getBytes(StandardCharsets.UTF_8);
        String more = headers.stream().map(header -> header + "\r\n").collect(Collectors.joining());
        String head = start + "\r\n" + more + "Content-Length: " + body.length + "\r\n\r\n";
        return new HttpMessage(head.getBytes(StandardCharsets.ISO_8859_1), body);
    }

    private static byte[] readHead(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream(512);
        int matched = 0;
        while (matched < 4) {
            int next = in.read();
            if (next < 0) {
                if (head.size() == 0) {
                    return new byte[0];
                }
                throw new EOFException("The connection ended in the middle of a head.");
            }
            head.write(next);
            matched = next == "\r\n\r\n".charAt(matched) ? matched + 1 : next == '\r' ? 1 : 0;
        }
        return head.toByteArray();
    }

    private byte[] readBody(InputStream in, boolean untilEnd) throws IOException {
        if (chunked()) {
            return readChunks(in);
        }
        Optional<String> length = header("Content-Length");
        if (length.isPresent()) {
            return readExactly(in, Integer.parseInt(length.get()));
        }
        return untilEnd ? in.readAllBytes() : new byte[0];
    }

    private static byte[] readChunks(InputStream in) throws IOException {
        ByteArrayOutputStream raw = new ByteArrayOutputStream();
        while (true) {
            byte[] sizeLine = readLine(in);
            raw.writeBytes(sizeLine);
            int size = chunkSize(sizeLine);
            if (size > 0) {
                raw.writeBytes(readExactly(in, size + 2));
            } else {
                byte[] trailer;
                do {
                    trailer = readLine(in);
                    raw.writeBytes(trailer);
                } while (trailer.length > 2);
                return raw.toByteArray();
            }
        }
    }

    private static int chunkSize(byte[] sizeLine) {
        String text = new String(sizeLine, StandardCharsets.ISO_8859_1);
        int end = text.indexOf(';');
        return Integer.parseInt((end < 0 ? text : text.substring(0, end)).trim(), CHUNK_SIZE_RADIX);
    }

    private static byte[] readLine(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int next;
        do {
            next = in.read();
            if (next < 0) {
                throw new EOFException("The connection ended in the middle of a body.");
            }
            line.write(next);
        } while (next != '\n');
        return line.toByteArray();
    }

    private static byte[] readExactly(InputStream in, int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("The connection ended in the middle of a body.");
        }
        return bytes;
    }

    private String headText() {
        return new String(head, StandardCharsets.ISO_8859_1);
    }

    String startLine() {
        return headText().lines().findFirst().orElse("");
    }

    /** The method of a request. */
    String method() {
        return startLine().split(" ", 3)[0];
    }

    /** The path and query of a request. */
    String target() {
        return startLine().split(" ", 3)[1];
    }

    /** The status of an answer. */
    int status() {
        return Integer.parseInt(startLine().split(" ", 3)[1]);
    }

    Optional<String> header(String name) {
        String start = name.toLowerCase(Locale.ROOT) + ":";
        return headText()
                .lines()
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(start))
                .map(line -> line.substring(start.length()).trim())
                .findFirst();
    }

    private boolean chunked() {
        return header("Transfer-Encoding").orElse("").equalsIgnoreCase("chunked");
    }

    boolean closes() {
        return header("Connection").orElse("").equalsIgnoreCase("close")
                || startLine().endsWith("HTTP/1.0");
    }

    boolean expectsContinue() {
        return header("Expect").isPresent();
    }

    /** The body without its framing. */
    byte[] content() {
        if (!chunked()) {
            return body.clone();
        }
        try {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            InputStream in = new ByteArrayInputStream(body);
            for (int size = chunkSize(readLine(in)); size > 0; size = chunkSize(readLine(in))) {
                content.writeBytes(readExactly(in, size));
                readLine(in);
            }
            return content.toByteArray();
        } catch (IOException e) {
            throw new IllegalStateException("A body that was read whole is whole.", e);
        }
    }

    String text() {
        return new String(content(), StandardCharsets.UTF_8);
    }

    /** This message with another body. */
    HttpMessage withContent(byte[] content) {
        HttpMessage bare =
                without("Content-Length").without("Transfer-Encoding").without("X-Amz-Crc32");
        String start = bare.headText();
        String end = "Content-Length: " + content.length + "\r\n\r\n";
        return new HttpMessage(
                (start.substring(0, start.length() - 2) + end).getBytes(StandardCharsets.ISO_8859_1), content);
    }

    /** This message without a header. */
    HttpMessage without(String name) {
        String start = name.toLowerCase(Locale.ROOT) + ":";
        String rest = headText()
                .lines()
                .filter(line ->
                        !line.isEmpty() && !line.toLowerCase(Locale.ROOT).startsWith(start))
                .collect(Collectors.joining("\r\n", "", "\r\n\r\n"));
        return new HttpMessage(rest.getBytes(StandardCharsets.ISO_8859_1), body);
    }

    byte[] head() {
        return head.clone();
    }

    /** The message as it goes over the wire. */
    byte[] bytes() {
        byte[] all = new byte[head.length + body.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        return all;
    }

    /** What arrives when the connection breaks half-way through the body, or through the head where there is none. */
    byte[] half() {
        byte[] all = bytes();
        int length = body.length == 0 ? head.length / 2 : head.length + body.length / 2;
        return Arrays.copyOf(all, length);
    }
}
