package dev.tunesmith.contracts.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SensitiveTextTest {

    private static List<FindingKind> found(String text) {
        List<FindingKind> kinds = new ArrayList<>();
        SensitiveText.scan(text, kinds::add);
        return kinds;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "write to ada.lovelace+x@example.co.uk today|EMAIL",
                "call +49 30 901820 now|PHONE",
                "call (030) 901-820 99|PHONE",
                "call 555-123-4567.|PHONE",
                "call 030 1234 5678|PHONE",
                "card 4111 1111 1111 1111 ok|CREDIT_CARD",
                "card 5500-0000-0000-0004|CREDIT_CARD",
                "card 378282246310005|CREDIT_CARD",
                "pay DE89 3704 0044 0532 0130 00 soon|IBAN",
                "pay GB82WEST12345698765432|IBAN",
                "pay NO9386011117947|IBAN",
                "key AKIAIOSFODNN7EXAMPLE here|API_KEY",
                "sk-abcdefghijklmnopqrstuvwx|API_KEY",
                "sk-proj-abcdefghijklmnopqrstuvwx_yz|API_KEY",
                "ghp_abcdefghijklmnopqrstuvwxyz0123456789|ACCESS_TOKEN",
                "github_pat_11ABCDEFG0abcdefghijklmnopqrstuvwxyz|ACCESS_TOKEN",
                "xoxb-123456789012-abcdefghijkl|ACCESS_TOKEN",
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P|ACCESS_TOKEN",
                "-----BEGIN RSA PRIVATE KEY-----|PRIVATE_KEY",
                "-----BEGIN PRIVATE KEY-----|PRIVATE_KEY",
                "postgres://app:hunter2@db.example.com/x|PASSWORD_IN_URL"
            })
    void findsEachKindOnce(String text, FindingKind kind) {
        assertThat(found(text)).containsExactly(kind);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a number 1234567890123456 of no card",
                "4111 1111 1111 1112",
                "DE89 3704 0044 0532 0130 01",
                "on 01.02.2026 10:00 and 2026-11-21T17:10:37",
                "version 1.2.3.4.5 of 10.000.000",
                "x@y and @someone and a@b",
                "https://example.com:8080/a?b=c",
                "sk-short and hf_ and AKIA",
                "-----BEGIN PUBLIC KEY-----",
                "-----BEGIN CERTIFICATE-----",
                "3.14159265358979323846",
                "0x4111111111111111",
                "1+2=3 and (1) and 1-2",
                ""
            })
    void leavesOrdinaryTextAlone(String text) {
        assertThat(found(text)).isEmpty();
    }

    @Test
    void countsEachOccurrence() {
        assertThat(found("a@b.org, c@d.org and +4930901820"))
                .containsExactly(FindingKind.EMAIL, FindingKind.EMAIL, FindingKind.PHONE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "The answer is that you should not do this|en",
                "Das ist nicht die Antwort, die ich von dir will|de",
                "Je ne sais pas ce que vous voulez dire avec cela|fr",
                "El perro de la casa es muy grande pero no muerde|es",
                "Это предложение написано по-русски|ru",
                "Це речення написане українською мовою, її знають|uk",
                "这是一个中文句子|zh",
                "これは日本語の文章です|ja",
                "이것은 한국어 문장입니다|ko",
                "هذه جملة عربية|ar",
                "x = 1; y = 2|und"
            })
    void guessesTheLanguage(String text, String language) {
        assertThat(Languages.of(text)).isEqualTo(language);
    }

    @Test
    void countsLettersByScript() {
        Scripts scripts = new Scripts();
        scripts.add("abcdef 漢字 1234 !");

        assertThat(scripts.shares()).containsEntry("latin", 0.75).containsEntry("han", 0.25);
    }
}
