package dev.tunesmith.contracts.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.id.TenantId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.UUID;
import org.junit.jupiter.api.Test;

final class ServingGrantTest {
    private static final byte[] KEY =
            "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.UTF_8);
    private static final Instant END = Instant.parse("2026-01-01T00:01:00Z");
    private static final Instant BEFORE = END.minusMillis(1);

    private static ServingGrant grant(ServingGrant.Kind kind) {
        return new ServingGrant(
                new TenantId(new UUID(1, 2)),
                "ft:nano:org:ü & = suffix:1",
                "req-1",
                END,
                kind,
                new ServingGrant.Weights("base/nano/1/MANIFEST.json", "ab"),
                kind == ServingGrant.Kind.ADAPTER
                        ? new ServingGrant.Weights("t/x/MANIFEST.json", "cd")
                        : null);
    }

    @Test
    void readsBackWhatItSigned() {
        for (ServingGrant.Kind kind : ServingGrant.Kind.values()) {
            assertThat(ServingGrant.verify(grant(kind).sign(KEY), KEY, BEFORE))
                    .isEqualTo(new ServingGrant.Valid(grant(kind)));
        }
    }

    @Test
    void refusesFromTheMomentItExpires() {
        String signed = grant(ServingGrant.Kind.BASE).sign(KEY);
        assertThat(ServingGrant.verify(signed, KEY, END))
                .isInstanceOfSatisfying(
                        ServingGrant.Refused.class,
                        refused -> assertThat(refused.reason()).contains("expired"));
    }

    @Test
    void refusesEveryChangedByte() {
        String signed = grant(ServingGrant.Kind.BASE).sign(KEY);
        byte[] bytes = signed.getBytes(StandardCharsets.US_ASCII);
        int dot = signed.indexOf('.');
        for (int i = 0; i < bytes.length - 1; i++) {
            byte[] changed = bytes.clone();
            changed[i] = (byte) (changed[i] == 'A' ? 'B' : 'A');
            // The last digit before the dot may hold bits that do not count.
            if (i != dot - 1) {
                assertThat(
                                ServingGrant.verify(
                                        new String(changed, StandardCharsets.US_ASCII),
                                        KEY,
                                        BEFORE))
                        .as("byte %d", i)
                        .isInstanceOf(ServingGrant.Refused.class);
            }
        }
    }

    @Test
    void refusesAnotherKeyAndAForgedEmptySignature() {
        String signed = grant(ServingGrant.Kind.BASE).sign(KEY);
        byte[] other = KEY.clone();
        other[0]++;
        String unsigned = signed.substring(0, signed.indexOf('.') + 1);
        assertThat(ServingGrant.verify(signed, other, BEFORE))
                .isEqualTo(new ServingGrant.Refused("wrong signature"));
        assertThat(ServingGrant.verify(unsigned, KEY, BEFORE))
                .isEqualTo(new ServingGrant.Refused("wrong signature"));
    }

    @Test
    void refusesTextThatIsNoGrant() {
        for (String text : new String[] {"", ".", "a", "%%.%%", "a.b.c"}) {
            assertThat(ServingGrant.verify(text, KEY, BEFORE))
                    .as(text)
                    .isInstanceOf(ServingGrant.Refused.class);
        }
    }

    @Test
    void doesNotSignWithAShortKey() {
        assertThatThrownBy(() -> grant(ServingGrant.Kind.BASE).sign(new byte[31]))
                .hasMessageContaining("32 bytes, found 31");
    }

    @Test
    void tiesTheAdapterToItsKind() {
        ServingGrant base = grant(ServingGrant.Kind.BASE);
        assertThatThrownBy(() ->
                        new ServingGrant(
                                base.tenant(),
                                "m",
                                "r",
                                END,
                                ServingGrant.Kind.ADAPTER,
                                base.base(),
                                null))
                .hasMessageContaining("ADAPTER");
    }

    @Test
    void isReadableForAPerson() {
        String signed = grant(ServingGrant.Kind.BASE).sign(KEY);
        String fields = signed.substring(0, signed.indexOf('.'));
        assertThat(new String(Base64.getUrlDecoder().decode(fields), StandardCharsets.UTF_8))
                .startsWith("g1&proj_00000000000000010000000000000002&ft%3Anano");
    }
}
