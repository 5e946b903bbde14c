// Asks Claviger whether a request may pass. It needs Java 17 and no library; read the answer with the JSON library that you
// use anyway.

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;

public final class Verify {
    private static final URI DOORS = URI.create("@DOORS_URL@/v1/verify");
    private static final String API = "@API@";
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** True only if Claviger says so: without an answer nobody passes. */
    public static boolean mayPass(String key, String method, String path, String clientIp) throws InterruptedException {
        String question = json(Map.of(
            "credential", key, "method", method, "path", path, "client_ip", clientIp, "api", API));
        HttpRequest request = HttpRequest.newBuilder(DOORS)
            .timeout(Duration.ofSeconds(5))
            .header("Content-Type", "application/json")
            // A key that holds claviger-verify, where the doors need a token.
            .header("X-Claviger-Door", System.getenv().getOrDefault("CLAVIGER_DOOR_TOKEN", ""))
            .POST(HttpRequest.BodyPublishers.ofString(question))
            .build();
        try {
            HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
            // The first member of a verdict is always `valid`.
            return answer.statusCode() == 200 && answer.body().startsWith("{\"valid\":true,");
        } catch (IOException unreachable) {
            return false;
        }
    }

    private static String json(Map<String, String> members) {
        return members.entrySet().stream()
            .map(member -> quoted(member.getKey()) + ":" + quoted(member.getValue()))
            .collect(Collectors.joining(",", "{", "}"));
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            quoted.append(Character.isLetterOrDigit(c) && c < 128 ? "" + c : String.format("\\u%04x", (int) c));
        }
        return quoted.append('"').toString();
    }

    public static void main(String[] arguments) throws InterruptedException {
        System.out.println(mayPass(System.getenv().getOrDefault("KEY", ""), "@METHOD@", "@PATH@", "@CLIENT_IP@"));
    }
}
