package dev.tunesmith.standalone;

import dev.tunesmith.contracts.event.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;

/// Brings a Kafka cluster up to date: every topic and share group of the platform. May be repeated.
///
/// It runs before the services start, as the migrations do: no service creates a topic.
public final class KafkaSetup {
    /// Flavours of hosts that a machine of one's own can have.
    public static final List<String> FLAVORS = List.of("any", "cpu", "cuda");

    /// The share group that works on validations.
    public static final String VALIDATORS = "validators";

    private static final Duration ADMIN_WAIT = Duration.ofSeconds(30);
    private static final String HOUR_MS = "3600000";
    private static final String DAY_MS = "86400000";

    private KafkaSetup() {}

    /// Reads `TUNESMITH_KAFKA_BOOTSTRAP`.
    public static void main(String[] arguments) {
        apply(new NodeSettings(System.getenv()).text("TUNESMITH_KAFKA_BOOTSTRAP"));
    }

    /// Creates what is missing on the cluster at `host:port`.
    ///
    /// @throws IllegalStateException when the cluster does not answer or refuses
    static void apply(String bootstrap) {
        with(
                bootstrap,
                admin -> {
                    createTopics(admin);
                    for (String flavor : FLAVORS) {
                        startEarliest(admin, Topics.trainers(flavor));
                    }
                    startEarliest(admin, VALIDATORS);
                });
    }

    /// Lets a share group begin with what is already in its topics; the default would lose a
    /// message that was sent before the first member joined.
    public static void startEarliest(String bootstrap, String shareGroup) {
        with(bootstrap, admin -> startEarliest(admin, shareGroup));
    }

    private interface Work {
        void with(Admin admin) throws InterruptedException, ExecutionException, TimeoutException;
    }

    private static void with(String bootstrap, Work work) {
        try (Admin admin =
                Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap))) {
            work.with(admin);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while setting up Kafka " + bootstrap, e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("cannot set up Kafka at " + bootstrap, e);
        }
    }

    private static void createTopics(Admin admin)
            throws InterruptedException, ExecutionException, TimeoutException {
        var topics = new ArrayList<String>(Topics.FIXED);
        FLAVORS.forEach(flavor -> topics.add(Topics.dispatch(flavor)));
        for (String source : List.copyOf(topics)) {
            topics.add(Topics.deadLetters(source));
        }
        Set<String> present =
                admin.listTopics().names().get(ADMIN_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        List<NewTopic> missing =
                topics.stream()
                        .filter(topic -> !present.contains(topic))
                        .map(KafkaSetup::topic)
                        .toList();
        admin.createTopics(missing).all().get(ADMIN_WAIT.toMillis(), TimeUnit.MILLISECONDS);
    }

    /// One partition keeps the order of a job's messages; how many copies is the cluster's choice.
    private static NewTopic topic(String name) {
        var topic = new NewTopic(name, Optional.of(1), Optional.empty());
        if (name.equals(Topics.BEATS) || name.startsWith("ts.dispatch.")) {
            return topic.configs(Map.of("retention.ms", HOUR_MS));
        }
        if (name.equals(Topics.TELEMETRY)) {
            return topic.configs(Map.of("retention.ms", DAY_MS));
        }
        return topic;
    }

    private static void startEarliest(Admin admin, String group)
            throws InterruptedException, ExecutionException, TimeoutException {
        var earliest = new ConfigEntry("share.auto.offset.reset", "earliest");
        admin.incrementalAlterConfigs(
                        Map.of(
                                new ConfigResource(ConfigResource.Type.GROUP, group),
                                List.of(new AlterConfigOp(earliest, AlterConfigOp.OpType.SET))))
                .all()
                .get(ADMIN_WAIT.toMillis(), TimeUnit.MILLISECONDS);
    }
}
