package dev.tunesmith.standalone;

import java.nio.file.Path;

/// The servers that come as jars.
final class EmbeddedSource implements ServerSource {
    @Override
    public Started<SqlServer> postgres(Path folder, String password) {
        EmbeddedPostgres server = EmbeddedPostgres.start(folder, 0, password);
        return new Started<>(server.server(), server::abandon);
    }

    @Override
    public Started<String> kafka(Path folder, Path log) {
        ChildJvm broker = KafkaNode.start(folder, 0, log);
        return new Started<>("127.0.0.1:" + broker.port(), broker);
    }

    @Override
    public Started<String> objects(Path folder, String secret, Path log) {
        ChildJvm server = S3Node.start(folder, 0, TestStack.ACCESS_KEY, secret, log);
        return new Started<>("http://127.0.0.1:" + server.port(), server);
    }
}
