package dev.tunesmith.standalone;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/// Kafka in one process: broker and controller of a cluster of one, with every topic and share
/// group of the platform.
///
/// The settings trade throughput for a quick start and little memory. Internal topics have one
/// partition and one replica; share groups beat fast, so that a new member is served in seconds.
public final class KafkaNode {
    private static final String HOST = "127.0.0.1";
    private static final int NODE_ID = 1;

    private KafkaNode() {}

    /// Reads `TUNESMITH_DATA`, `TUNESMITH_KAFKA_PORT` and `TUNESMITH_KAFKA_CONTROLLER_PORT`; ports
    /// that are 0 or missing are chosen.
    public static void main(String[] arguments) throws Exception {
        var settings = new NodeSettings(System.getenv());
        Path data = Path.of(settings.text("TUNESMITH_DATA"));
        int port = settings.number("TUNESMITH_KAFKA_PORT", 0);
        int controller = settings.number("TUNESMITH_KAFKA_CONTROLLER_PORT", 0);
        run(
                settings,
                data,
                port == 0 ? Ports.free() : port,
                controller == 0 ? Ports.free() : controller);
    }

    /// Starts the main of this class as a child process.
    public static ChildJvm start(Path data, int port, Path log) {
        return ChildJvm.start(
                KafkaNode.class,
                "160m",
                List.of(),
                Map.of(
                        "TUNESMITH_DATA", data.toString(),
                        "TUNESMITH_KAFKA_PORT", Integer.toString(port)),
                log);
    }

    private static void run(NodeSettings settings, Path data, int port, int controllerPort)
            throws Exception {
        Files.createDirectories(data);
        format(data);
        var server =
                new KafkaRaftServer(
                        KafkaConfig.apply(broker(data, port, controllerPort), false), Time.SYSTEM);
        server.startup();
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown, "stop-kafka"));
        KafkaSetup.apply(HOST + ":" + port);
        settings.ready("kafka", port, ProcessHandle.current().pid());
        server.awaitShutdown();
        System.exit(1);
    }

    private static void format(Path data) throws Exception {
        if (Files.exists(data.resolve("meta.properties"))) {
            return;
        }
        new Formatter()
                .setNodeId(NODE_ID)
                .setClusterId(Uuid.randomUuid().toString())
                .addDirectory(data.toString())
                .setMetadataLogDirectory(data.toString())
                .setControllerListenerName("CONTROLLER")
                .setPrintStream(System.err)
                .run();
    }

    private static Map<String, String> broker(Path data, int port, int controllerPort) {
        return Map.ofEntries(
                Map.entry("process.roles", "broker,controller"),
                Map.entry("node.id", Integer.toString(NODE_ID)),
                Map.entry("controller.quorum.voters", NODE_ID + "@" + HOST + ":" + controllerPort),
                Map.entry("controller.listener.names", "CONTROLLER"),
                Map.entry(
                        "listeners",
                        "PLAINTEXT://%s:%d,CONTROLLER://%s:%d"
                                .formatted(HOST, port, HOST, controllerPort)),
                Map.entry(
                        "listener.security.protocol.map",
                        "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
                Map.entry("log.dirs", data.toString()),
                Map.entry("auto.create.topics.enable", "false"),
                Map.entry("num.partitions", "1"),
                Map.entry("num.network.threads", "1"),
                Map.entry("num.io.threads", "2"),
                Map.entry("background.threads", "2"),
                Map.entry("num.recovery.threads.per.data.dir", "1"),
                Map.entry("log.cleaner.enable", "false"),
                Map.entry("log.segment.bytes", Integer.toString(16 << 20)),
                Map.entry("log.index.size.max.bytes", Integer.toString(1 << 20)),
                Map.entry("message.max.bytes", Integer.toString(1 << 20)),
                Map.entry("offsets.topic.num.partitions", "1"),
                Map.entry("offsets.topic.replication.factor", "1"),
                Map.entry("transaction.state.log.num.partitions", "1"),
                Map.entry("transaction.state.log.replication.factor", "1"),
                Map.entry("transaction.state.log.min.isr", "1"),
                Map.entry("share.coordinator.state.topic.num.partitions", "1"),
                Map.entry("share.coordinator.state.topic.replication.factor", "1"),
                Map.entry("share.coordinator.state.topic.min.isr", "1"),
                Map.entry("group.initial.rebalance.delay.ms", "0"),
                Map.entry("group.share.min.heartbeat.interval.ms", "100"),
                Map.entry("group.share.heartbeat.interval.ms", "250"));
    }
}
