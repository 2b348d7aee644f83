using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Guard.Core.Errors;

/// <summary>Chooses between the two bodies an error can have.</summary>
internal static class ErrorFormat
{
    public const string Json = "application/json";

    public const string Problem = "application/problem+json";

    /// <summary>
    /// Whether the client asked for problem+json: by name (a wildcard is content with plain JSON), with a quality above 0 and not below
    /// that of plain JSON. Parts of the header that do not parse are passed over.
    /// </summary>
    public static bool WantsProblem(StringValues accept)
    {
        if (!accept.ToString().Contains("problem+json", StringComparison.OrdinalIgnoreCase)
            || !MediaTypeHeaderValue.TryParseList(accept, out var ranges))
        {
            return false;
        }

        double problem = 0;
        double json = 0;
        var jsonSpecificity = -1;
        foreach (var range in ranges)
        {
            var quality = range.Quality ?? 1;
            if (range.MediaType.Equals(Problem, StringComparison.OrdinalIgnoreCase))
            {
                problem = Math.Max(problem, quality);
            }

            // The most specific range that covers a type decides its quality (RFC 9110, 12.5.1).
            var specificity = range.MatchesAllTypes ? 0
                : range.MediaType.Equals("application/*", StringComparison.OrdinalIgnoreCase) ? 1
                : range.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase) ? 2
                : -1;
            if (specificity > jsonSpecificity)
            {
                (json, jsonSpecificity) = (quality, specificity);
            }
            else if (specificity >= 0 && specificity == jsonSpecificity)
            {
                json = Math.Max(json, quality);
            }
        }

        return problem > 0 && problem >= json;
    }
}
