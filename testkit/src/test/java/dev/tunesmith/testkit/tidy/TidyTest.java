package dev.tunesmith.testkit.tidy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TidyTest {
    @TempDir Path module;

    @Test
    void thisModuleIsTidy() {
        Tidy.check(Path.of(""));
    }

    @Test
    void findsALongMethod() throws IOException {
        assertThat(rules("class A { void a() {" + "\nint x;".repeat(80) + "\n} }"))
                .containsExactly("method-length");
    }

    @Test
    void findsALongFile() throws IOException {
        assertThat(rules("class A {" + "\n".repeat(801) + "}")).containsExactly("file-length");
    }

    @Test
    void findsTooManyParameters() throws IOException {
        assertThat(
                        rules(
                                "class A { void a(int a, int b, int c, int d, int e, int f, int g, int h) {} }"))
                .containsExactly("parameters");
    }

    @Test
    void findsBannedNames() throws IOException {
        assertThat(rules("class FooManager {} class AbstractFoo {}"))
                .containsExactly("banned-name", "banned-name");
    }

    @Test
    void findsVarWithoutANewExpression() throws IOException {
        assertThat(rules("class A { void a() { var x = b(); var y = new A(); } }"))
                .containsExactly("var");
    }

    @Test
    void findsFieldInjectionAndStaticState() throws IOException {
        assertThat(rules("class A { @Inject A a; static int b; static final int C = 1; }"))
                .containsExactly("field-injection", "static-mutable");
    }

    @Test
    void findsABroadCatch() throws IOException {
        assertThat(rules("class A { void a() { try { b(); } catch (Exception e) { } } }"))
                .containsExactly("broad-catch");
    }

    @Test
    void findsDeepNestingButNotElseIf() throws IOException {
        assertThat(
                        rules(
                                "class A { void a() { for(;;) { while(b) { if (c) { try { if (d) {} } finally {} } } } } }"))
                .containsExactly("nesting");
        assertThat(
                        rules(
                                "class A { void a() { if (a) {} else if (b) {} else if (c) {} else if (d) {} else if (e) {} } }"))
                .isEmpty();
    }

    @Test
    void findsOldJavadocAndReminders() throws IOException {
        assertThat(rules("/*" + "* old */ class A {} // TO" + "DO later"))
                .containsExactly("javadoc", "reminder");
    }

    @Test
    void anExceptionIsHonouredUntilNothingNeedsIt() throws IOException {
        write("class FooManager {}");
        Path exceptions = module.resolve("tidy-exceptions.txt");
        Files.writeString(exceptions, "banned-name src/main/java/a/A.java # reason\n");
        Tidy.check(module);
        write("class Foo {}");
        assertThatThrownBy(() -> Tidy.check(module)).hasMessageContaining("delete the line");
    }

    private List<String> rules(String source) throws IOException {
        write(source);
        return Tidy.findings(module).stream().map(Finding::rule).toList();
    }

    private void write(String source) throws IOException {
        Path folder = Files.createDirectories(module.resolve("src/main/java/a"));
        Files.writeString(folder.resolve("package-info.java"), "package a;");
        Files.writeString(folder.resolve("A.java"), source);
    }
}
