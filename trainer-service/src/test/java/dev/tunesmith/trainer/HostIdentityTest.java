package dev.tunesmith.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostIdentityTest {
    @TempDir Path folder;

    @Test
    void theHostStaysAndTheBootChanges() throws IOException {
        HostIdentity first = HostIdentity.take(folder);
        first.close();
        HostIdentity second = HostIdentity.take(folder);

        assertThat(second.host()).isEqualTo(first.host());
        assertThat(second.boot()).isNotEqualTo(first.boot());
        second.close();
    }

    @Test
    void oneFolderBelongsToOneParent() throws IOException {
        HostIdentity first = HostIdentity.take(folder);

        assertThatThrownBy(() -> HostIdentity.take(folder))
                .isInstanceOf(OverlappingFileLockException.class);
        first.close();
    }
}
