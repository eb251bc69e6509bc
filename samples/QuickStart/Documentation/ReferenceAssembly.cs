using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace QuickStart.Documentation;

/// <summary>The assembly beside a documentation file: it tells public types from internal ones, which some files describe too.</summary>
internal static class ReferenceAssembly
{
    /// <summary>The names of its public types as documentation IDs write them: <c>System.Func`2</c>, <c>System.Text.Rune</c>.</summary>
    public static List<string> ReadTypeNames(string file)
    {
        using var assembly = new PEReader(File.OpenRead(file));
        MetadataReader reader = assembly.GetMetadataReader();
        return [.. reader.TypeDefinitions.Select(reader.GetTypeDefinition).Where(IsPublic).Select(type => FullName(reader, type))];
    }

    private static bool IsPublic(TypeDefinition type) =>
        (type.Attributes & TypeAttributes.VisibilityMask) is TypeAttributes.Public or TypeAttributes.NestedPublic;

    private static string FullName(MetadataReader reader, TypeDefinition type)
    {
        string name = reader.GetString(type.Name);
        if (type.IsNested) return $"{FullName(reader, reader.GetTypeDefinition(type.GetDeclaringType()))}.{name}";
        return type.Namespace.IsNil ? name : $"{reader.GetString(type.Namespace)}.{name}";
    }
}
