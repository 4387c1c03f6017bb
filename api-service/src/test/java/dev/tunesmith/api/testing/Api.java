package dev.tunesmith.api.testing;

import static io.restassured.RestAssured.given;

import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.migrations.Logins;
import dev.tunesmith.platform.sql.Database;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import org.eclipse.microprofile.config.ConfigProvider;

/// Requests as the clients of the tests send them, and the database as the scheduler sees it.
public final class Api {
    private Api() {}

    public static String setting(String name) {
        return ConfigProvider.getConfig().getValue(name, String.class);
    }

    public static String key(String name) {
        return setting("test.key." + name);
    }

    public static TenantId tenant(String name) {
        return TenantId.parse(setting("test.tenant." + name));
    }

    /// A request with the key of that name.
    public static RequestSpecification as(String name) {
        return given().header("Authorization", "Bearer " + key(name));
    }

    public static Response upload(String who, String fileName, byte[] content) {
        return as(who).multiPart("purpose", "fine-tune")
                .multiPart("file", fileName, content, "application/octet-stream")
                .post("/v1/files");
    }

    /// The database with the rights of the scheduler.
    public static Database scheduler() {
        return Database.connect(
                setting("tunesmith.sql.url"), Logins.SCHEDULER, setting("tunesmith.sql.password"));
    }
}
