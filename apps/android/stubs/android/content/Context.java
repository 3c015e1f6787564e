package android.content;

public abstract class Context {
    public static final int MODE_PRIVATE = 0;
    public android.content.res.AssetManager getAssets() { throw new AssertionError(); }
    public ContentResolver getContentResolver() { throw new AssertionError(); }
    public java.io.File getNoBackupFilesDir() { throw new AssertionError(); }
    public String getPackageName() { throw new AssertionError(); }
    public void startActivity(Intent intent) {}
    public SharedPreferences getSharedPreferences(String name, int mode) { throw new AssertionError(); }
}
