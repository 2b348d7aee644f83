using Guard.Core.Transport.Connections;

namespace Guard.Control.Input;

/// <summary>Reads a URL that Guard will call.</summary>
internal static class EndpointInput
{
    /// <summary>The URL in the form to keep; after an error something to ignore.</summary>
    public static string Read(JsonFields fields, string name, EndpointPolicy policy)
    {
        var url = fields.Text(name, TextRule.Url);
        if (url.Length > 0 && policy.CheckUrl(url, out url) is { } wrong)
        {
            fields.Errors.Add(fields.PathTo(name), wrong);
        }

        return url;
    }
}
