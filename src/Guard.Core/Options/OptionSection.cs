using System.Diagnostics.CodeAnalysis;

namespace Guard.Core.Options;

/// <summary>
/// A section of the configuration: each public property is an option, declared by its <see cref="OptionAttribute"/>, or a section below.
/// Trimming keeps the properties of every section.
/// </summary>
[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)]
internal abstract class OptionSection;
