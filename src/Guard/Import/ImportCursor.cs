using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Guard.Import;

/// <summary>How far an import of a file has come. Written beside the file after each batch, so that it goes on there after whatever ended
/// it.</summary>
/// <param name="File">The beginning of the file and its length, hashed: a cursor is of that file only.</param>
/// <param name="Offset">Bytes that are done with.</param>
internal sealed record ImportCursor(string File, long Offset, ImportTotals Totals)
{
    private const int HashedBytes = 65_536;

    /// <summary>The cursor in a file; null when there is none, or it is of another import.</summary>
    public static ImportCursor? Load(string path, string file)
    {
        try
        {
            var cursor = JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(path), ImportJson.Default.ImportCursor);
            return cursor?.File == file ? cursor : null;
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

    public static async Task<string> FingerprintAsync(FileStream file, CancellationToken cancellationToken)
    {
        var head = new byte[Math.Min(HashedBytes, file.Length)];
        await file.ReadExactlyAsync(head, cancellationToken);
        return $"{file.Length}-{Convert.ToHexStringLower(SHA256.HashData(head))}";
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ImportCursor))]
internal sealed partial class ImportJson : JsonSerializerContext;
