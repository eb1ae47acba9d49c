package io.sluiceway;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The list of AWS' calls that the code makes. The infrastructure's tests hold it against what the functions' roles
 * allow: nothing missing, nothing more.
 */
class AwsCallsTest {
    private static final Path LIST = Path.of("src", "test", "resources", "aws-calls.txt");
    private static final Pattern CLIENT =
            Pattern.compile("software\\.amazon\\.awssdk\\.services\\.[a-z0-9]+\\.(?<service>[A-Za-z0-9]+)Client");

    /** What makes and ends clients, and calls nothing. */
    private static final Set<String> NO_CALLS = Set.of("builder", "create", "close", "serviceClientConfiguration");

    @Test
    void calls_byTheCodeOfEachPackage_areThoseOfTheList() throws IOException {
        List<String> calls = new ClassFileImporter()
                .withImportOption(new DoNotIncludeTests()).importPackages("io.sluiceway").stream()
                        .flatMap(type -> type.getAccessesFromSelf().stream())
                        .filter(access -> !NO_CALLS.contains(access.getName()))
                        .flatMap(access -> call(access).stream())
                        .sorted()
                        .distinct()
                        .toList();

        assertThat(calls).isEqualTo(Files.readAllLines(LIST));
    }

    private static List<String> call(JavaAccess<?> access) {
        var client = CLIENT.matcher(access.getTargetOwner().getName());
        return client.matches()
                ? List.of("%s %s.%s"
                        .formatted(access.getOriginOwner().getPackageName(), client.group("service"), access.getName()))
                : List.of();
    }
}
