using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Guard.Import;

/// <summary>How far an import of a file has come. Written beside the file after each batch, so that it goes on there after whatever ended
/// it. Two imports of one file may share it: each entry of either is true.</summary>
/// <param name="Of">Fingerprint of the file and of where it goes: a cursor is of that import only.</param>
/// <param name="Offset">Bytes that are done with.</param>
/// <param name="Totals">Its lines are the number of the line before <paramref name="Offset"/>.</param>
internal sealed record ImportCursor(string Of, long Offset, ImportTotals Totals)
{
    private const int HashedBytes = 65_536;

    /// <summary>The cursor in a file; null when there is none, or it is of another import.</summary>
    public static ImportCursor? Load(string path, string of)
    {
        try
        {
            var cursor = JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(path), ImportJson.Default.ImportCursor);
            return cursor is { Totals: not null, Offset: >= 0 } && cursor.Of == of ? cursor : null;
        }
        catch (Exception e) when (e is FileNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>In one step: whoever is killed while writing leaves the cursor before.</summary>
    public void Save(string path)
    {
        var next = $"{path}.{Environment.ProcessId}";
        System.IO.File.WriteAllBytes(next, JsonSerializer.SerializeToUtf8Bytes(this, ImportJson.Default.ImportCursor));
        System.IO.File.Move(next, path, overwrite: true);
    }

    /// <summary>Of the file's length, time and beginning, and of where it goes. The file is left at its beginning.</summary>
    /// <param name="file">At its beginning.</param>
    /// <param name="destination">Without secrets: it is hashed, and what is short can be guessed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<string> FingerprintAsync(FileStream file, string destination, CancellationToken cancellationToken)
    {
        var head = new byte[Math.Min(HashedBytes, file.Length)];
        await file.ReadExactlyAsync(head, cancellationToken);
        file.Position = 0;
        var changed = System.IO.File.GetLastWriteTimeUtc(file.SafeFileHandle).Ticks;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{file.Length}-{changed}-{Convert.ToHexStringLower(SHA256.HashData([.. head, .. Encoding.UTF8.GetBytes(destination)]))}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ImportCursor))]
internal sealed partial class ImportJson : JsonSerializerContext;
