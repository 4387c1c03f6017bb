package dev.tunesmith.platform.objects;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// Passes bytes on between clients and a server, and cuts connections off in the middle of an
/// answer when a test says so.
final class CuttingProxy implements AutoCloseable {
    private final ServerSocket door;
    private final URI server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger wanted = new AtomicInteger();
    private final AtomicInteger cuts = new AtomicInteger();
    private final long after;

    /// @param after how many bytes of an answer come through before its connection is cut
    CuttingProxy(String endpoint, long after) throws IOException {
        this.server = URI.create(endpoint);
        this.after = after;
        this.door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    String endpoint() {
        return "http://127.0.0.1:" + door.getLocalPort();
    }

    /// The next so many answers that are long enough are cut.
    void cutNext(int answers) {
        wanted.set(answers);
    }

    /// How many connections were cut.
    int cuts() {
        return cuts.get();
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket client = door.accept();
                Socket back = new Socket(server.getHost(), server.getPort());
                threads.execute(() -> pass(client, back, Long.MAX_VALUE));
                threads.execute(() -> pass(back, client, after));
            } catch (IOException _) {
                // The door was closed, or nobody is at home.
            }
        }
    }

    /// @param most bytes that come through where a cut is wanted
    private void pass(Socket from, Socket to, long most) {
        byte[] buffer = new byte[8192];
        long passed = 0;
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                passed += read;
                if (passed > most && wanted.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                    cuts.incrementAndGet();
                    to.setSoLinger(true, 0);
                    return;
                }
                out.write(buffer, 0, read);
            }
        } catch (IOException _) {
            // The other side is gone.
        }
    }

    @Override
    public void close() throws IOException {
        door.close();
        threads.shutdownNow();
    }
}
