package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.job.JobLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith jobs`: what runs, what it says, and how to stop it.
@Command(
        name = "jobs",
        description =
                "List, show, follow, draw, pause, resume and cancel jobs; what was found in their data.",
        mixinStandardHelpOptions = true,
        subcommands = PlotCommand.class)
@SuppressWarnings("NullAway.Init")
final class JobsCommand {
    private static final String JOBS = "/v1/fine_tuning/jobs";
    private static final String NATIVE = "/api/v1/jobs/";

    @Mixin private Connection connection;
    @Mixin private Output output;

    Connection connection() {
        return connection;
    }

    Output output() {
        return output;
    }

    @Command(description = "List jobs, newest first.", mixinStandardHelpOptions = true)
    int ls(@Option(names = "--limit", defaultValue = "20") int limit) {
        JsonNode list = connection.open().get(JOBS + "?limit=" + limit);
        var rows = new ArrayList<List<String>>();
        for (JsonNode job : list.path("data")) {
            JsonNode progress = job.path("x_progress");
            rows.add(
                    List.of(
                            job.path("id").asText(),
                            job.path("status").asText(),
                            progress.path("step").asText("-")
                                    + "/"
                                    + progress.path("total_steps").asText("-"),
                            job.path("model").asText(),
                            job.path("fine_tuned_model").asText("-"),
                            Output.time(job.path("created_at"))));
        }
        output.table(list, List.of("ID", "STATUS", "STEP", "BASE", "MODEL", "CREATED"), rows);
        return ExitCode.OK;
    }

    @Command(
            aliases = "get",
            description =
                    "Show one job: its data, the estimate, every resolved value with its origin; as JSON also the memory plan.",
            mixinStandardHelpOptions = true)
    int show(@Parameters(paramLabel = "ID") String id) {
        Api api = connection.open();
        JsonNode job = api.get(NATIVE + Api.quoted(id));
        if (output.isJson()) {
            output.object(job, "");
            return ExitCode.OK;
        }
        JsonNode wire = api.get(JOBS + "/" + Api.quoted(id));
        output.text(String.join("\n", JobLines.of(job, wire)));
        return ExitCode.OK;
    }

    @Command(
            description =
                    "Write every finding in a job's data as JSON lines: file, line, kind, message.",
            mixinStandardHelpOptions = true)
    int findings(
            @Parameters(paramLabel = "ID") String id,
            @Option(names = "-o", paramLabel = "FILE", description = "write them there")
                    @Nullable Path target) {
        Api api = connection.open();
        JsonNode data = api.get(NATIVE + Api.quoted(id)).path("data");
        if (!data.isObject()) {
            throw new CommandFailure(
                    ExitCode.CONFLICT, "the data of %s was not checked yet".formatted(id));
        }
        output.lines(api, NATIVE + Api.quoted(id) + "/findings", target);
        if (target != null) {
            output.text("%d findings in %s".formatted(data.path("findings").asLong(), target));
        }
        return ExitCode.OK;
    }

    @Command(
            description = "Print a job's messages and metrics, oldest first.",
            mixinStandardHelpOptions = true)
    int logs(
            @Parameters(paramLabel = "ID") String id,
            @Option(
                            names = {"-f", "--follow"},
                            description = "stay until the job ends")
                    boolean follow) {
        Api api = connection.open();
        if (follow) {
            JsonNode ended =
                    TrainCommand.follow(api, id, TrainCommand.deadline(null), output.isQuiet());
            output.object(ended, TrainCommand.summary(ended));
            return Follower.exitCode(ended);
        }
        JsonNode events = api.get(JOBS + "/" + Api.quoted(id) + "/events?limit=100");
        var lines = new ArrayList<String>();
        for (JsonNode event : events.path("data")) {
            lines.add(
                    Output.time(event.path("created_at")) + "  " + event.path("message").asText());
        }
        output.object(events, String.join("\n", lines.reversed()));
        return ExitCode.OK;
    }

    @Command(description = "Cancel a job.", mixinStandardHelpOptions = true)
    int cancel(@Parameters(paramLabel = "ID") String id) {
        return act(id, "cancel");
    }

    @Command(description = "Pause a job after a checkpoint.", mixinStandardHelpOptions = true)
    int pause(@Parameters(paramLabel = "ID") String id) {
        return act(id, "pause");
    }

    @Command(description = "Resume a paused job.", mixinStandardHelpOptions = true)
    int resume(@Parameters(paramLabel = "ID") String id) {
        return act(id, "resume");
    }

    private int act(String id, String verb) {
        JsonNode job =
                connection
                        .open()
                        .post(
                                JOBS + "/" + Api.quoted(id) + "/" + verb,
                                Api.JSON.createObjectNode());
        output.object(job, job.path("id").asText() + " " + job.path("status").asText());
        return ExitCode.OK;
    }
}
