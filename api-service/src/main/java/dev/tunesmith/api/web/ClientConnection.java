package dev.tunesmith.api.web;

import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Who still listens. Work for a client that has gone is given up at once.
@Singleton
public final class ClientConnection {
    private final CurrentVertxRequest request;

    ClientConnection(CurrentVertxRequest request) {
        this.request = request;
    }

    /// The connection of the request at hand, to be asked also from other threads.
    public Watch watch() {
        return new Watch(request.getCurrent());
    }

    /// Work that an interrupt ends.
    @FunctionalInterface
    public interface Work<T, E extends Exception> {
        T run() throws E, InterruptedException;
    }

    /// One request's connection.
    public static final class Watch {
        private final RoutingContext context;

        private Watch(RoutingContext context) {
            this.context = context;
        }

        public String requestId() {
            return RequestEdge.requestId(context);
        }

        /// Whether nobody reads the answer any more.
        public boolean gone() {
            return context.response().closed();
        }

        /// Calls back once when the exchange ends, whichever way.
        ///
        /// A response stream replaces earlier listeners of its connection when it is created, so
        /// this must be called from within the writer of that stream, not before.
        public void whenOver(Runnable action) {
            int _ = context.addEndHandler(_ -> action.run());
        }

        /// Runs blocking work before the answer has begun, and interrupts it when the client
        /// leaves.
        ///
        /// @throws InterruptedException when the client has gone
        public <T, E extends Exception> T whileConnected(Work<T, E> work)
                throws E, InterruptedException {
            var waiting = new AtomicReference<@Nullable Thread>(Thread.currentThread());
            context.response().closeHandler(_ -> interrupt(waiting.getAndSet(null)));
            if (gone()) {
                throw new InterruptedException("the client has gone");
            }
            try {
                return work.run();
            } finally {
                // Whoever takes the thread out first decides whether it is interrupted.
                if (waiting.getAndSet(null) == null) {
                    boolean _ = Thread.interrupted();
                }
            }
        }

        private static void interrupt(@Nullable Thread thread) {
            if (thread != null) {
                thread.interrupt();
            }
        }
    }
}
